"""Weights averaged over the steps of a training: what is validated and kept is then the average."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from splitsearch.spaces.model import SplitModel, Stage

__all__ = ["Average", "decay_after"]

_AVERAGE = "average"

Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


def decay_after(decay: float, steps: int) -> float:
    """How much of the average a step leaves: less in the first steps, whose weights are hardly trained.

    Args:
        decay: in the long run, in (0, 1).
        steps: that were averaged before.
    """
    return min(decay, (1 + steps) / (10 + steps))


class Average:
    """An exponential moving average of what learns, its norm statistics included."""

    def __init__(self, learned: Mapping[str, nn.Module], decay: float) -> None:
        """Starts as a copy.

        Args:
            learned: stage name to module.
            decay: of the average in one step, in (0, 1).
        """
        self._learned = nn.ModuleDict(learned)
        self._decay = decay
        self._averaged = AveragedModel(self._learned, multi_avg_fn=self._average, use_buffers=True)
        self._averaged.eval().requires_grad_(False)

    def update(self) -> None:
        """Hears of one more step."""
        self._averaged.update_parameters(self._learned)

    def of(self, model: SplitModel) -> SplitModel:
        """The candidate with the average in place of what learns."""

        def averaged(stage: Stage) -> Stage:
            if stage.name not in self._learned:
                return stage
            module = self._modules[stage.name]
            return replace(stage, build=lambda: module)

        leaving = model.exit and replace(model.exit, stage=averaged(model.exit.stage))
        return replace(model, stages=tuple(map(averaged, model.stages)), exit=leaving)

    def state(self) -> dict[str, torch.Tensor]:
        """What a checkpoint must hold."""
        found = {f"{_AVERAGE}.{name}": value.clone() for name, value in self._modules.state_dict().items()}
        return found | {f"{_AVERAGE}.": self._averaged.n_averaged.clone()}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Goes on from what `state` returned."""
        prefix = f"{_AVERAGE}."
        own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        self._averaged.n_averaged.copy_(own.pop(""))
        self._modules.load_state_dict(own)

    @property
    def _modules(self) -> nn.ModuleDict:
        modules = self._averaged.module
        assert isinstance(modules, nn.ModuleDict)
        return modules

    def _average(self, kept: Tensors, new: Tensors, steps: torch.Tensor | int) -> None:
        decay = decay_after(self._decay, int(steps))
        get_ema_multi_avg_fn(decay)(kept, new, steps)  # type: ignore[no-untyped-call]  # torch leaves it untyped
