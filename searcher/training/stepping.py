"""How the gradients of one batch come about: in parts, in which precision, and summed over processes.

Whatever the parts and the processes, a step sees the same images and gives the mean gradient over all of them. What
differs is what a norm layer sees at a time: its own part, unless it is a synchronised one.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from splitsearch.searcher.training.phases import Batch, Phase
from splitsearch.searcher.training.placement import half_precision
from splitsearch.searcher.training.processes import ALONE, Processes
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["PLAIN", "Stepper", "Stepping"]

_SCALE = "scaler"

Losses = tuple[torch.Tensor, torch.Tensor]
"""The phase's loss, and what is differentiated: with the exit's loss beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepping:
    """How a step is computed.

    Attributes:
        accumulate: parts of a batch whose gradients are summed before a step.
        precision: what convolutions run in, bfloat16 or float16; None for float32, or what the recipe says.
        processes: this one among them.
    """

    accumulate: int = 1
    precision: torch.dtype | None = None
    processes: Processes = ALONE


PLAIN = Stepping()


class _Summed(nn.Module):
    """DistributedDataParallel watches one module's parameters; a phase's loss is a function of several modules."""

    def __init__(self, modules: list[nn.Module], losses: Callable[[Batch], Losses]) -> None:
        super().__init__()
        self.learning = nn.ModuleList(modules)
        self.losses = losses

    def forward(self, batch: Batch) -> Losses:
        """The losses of a part of a batch."""
        return self.losses(batch)


class Stepper:
    """Steps of one training."""

    def __init__(self, lesson: Lesson, how: Stepping) -> None:
        self._lesson, self._how = lesson, how
        self._precision = how.precision or (half_precision(how.processes.device) if lesson.recipe.half else None)
        kind = how.processes.device.type
        self._scaler = torch.amp.GradScaler(kind, enabled=self._precision == torch.float16)
        self._wrapped: tuple[Phase, DistributedDataParallel] | None = None

    def gradients(self, phase: Phase, batch: Batch, modules: list[nn.Module]) -> float:
        """Leaves the gradients of a batch in what learns.

        Args:
            phase: under way.
            batch: of all processes.
            modules: that learn; their gradients have been cleared.

        Returns:
            The mean loss over the batch, the same in every process.
        """
        processes, losses = self._how.processes, self._losses(phase, modules)
        own = processes.share(batch.indices)
        # Dealt as among processes: N parts here and N processes are the same parts, and norm layers see the same.
        parts = [own[place :: self._how.accumulate] for place in range(self._how.accumulate)]
        torch.manual_seed(batch.draw + processes.rank)  # dropout
        found = 0.0
        for part in parts:
            share = len(part) / len(batch.indices)
            with self._silent() if part is not parts[-1] else contextlib.nullcontext():
                loss, whole = losses(replace(batch, indices=part))
                # Processes average their gradients; each batch's images are to weigh the same.
                weight = share * processes.count
                self._backward(whole if weight == 1.0 else whole * weight)
            found += loss.item() * share
        return processes.total([found])[0]

    def step(self, optimiser: torch.optim.Optimizer) -> None:
        """Moves the weights."""
        self._scaler.step(optimiser)
        self._scaler.update()

    def state(self) -> dict[str, torch.Tensor]:
        """What a checkpoint must hold: the factor of float16's losses."""
        return {f"{_SCALE}.{name}": torch.tensor(float(value)) for name, value in self._scaler.state_dict().items()}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Goes on from what `state` returned."""
        known: dict[str, Any] = self._scaler.state_dict()
        for name, value in known.items():
            if f"{_SCALE}.{name}" in tensors:
                known[name] = type(value)(tensors[f"{_SCALE}.{name}"].item())
        if known:
            self._scaler.load_state_dict(known)

    def _backward(self, loss: torch.Tensor) -> None:
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def _compute(self, phase: Phase, batch: Batch) -> Losses:
        kind = self._how.processes.device.type
        halved = torch.autocast(kind, self._precision) if self._precision else contextlib.nullcontext()
        with halved:
            loss = phase.loss(batch)
            aside = self._lesson.exit_loss(batch)
        return loss, loss if aside is None else loss + aside

    def _losses(self, phase: Phase, modules: list[nn.Module]) -> Callable[[Batch], Losses]:
        if self._how.processes.count == 1:
            return lambda batch: self._compute(phase, batch)
        if self._wrapped is None or self._wrapped[0] is not phase:
            self._wrapped = None  # its hooks on the parameters go before new ones come
            summed = _Summed(modules, lambda batch: self._compute(phase, batch))
            # A loss may leave out a weight of a stretch of a network that is cut out of a larger one.
            self._wrapped = phase, DistributedDataParallel(summed, find_unused_parameters=True)
        return self._wrapped[1]

    def _silent(self) -> AbstractContextManager[None]:
        """Where processes do not exchange gradients yet."""
        if self._wrapped is None:
            return contextlib.nullcontext()
        silent: AbstractContextManager[None] = self._wrapped[1].no_sync()
        return silent
