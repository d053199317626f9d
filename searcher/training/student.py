"""A candidate as a student: which of its stages learn, and what enters the first of them.

The backbone's own head is never run twice: where a candidate keeps it, its activations come from the store. A head that
is pruned, shrunk, divided or replaced learns too, and then the images enter.
"""

from dataclasses import dataclass

import torch
from torch import nn

from splitsearch.searcher.training.activations import Activations
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel, Stage

__all__ = ["Student"]

_HEADS = ("head", "head_after_exit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """A candidate and the teacher's activations on one set of images."""

    config: SplitConfig
    model: SplitModel
    activations: Activations

    @property
    def keeps_head(self) -> bool:
        """Whether everything before the encoder is the backbone's own."""
        heads = [stage for stage in self.model.stages if stage.name in _HEADS]
        return bool(heads) and all(stage.original for stage in heads)

    @property
    def keeps_tail(self) -> bool:
        """Whether the tail is the backbone's own."""
        return self._named("tail").original

    @property
    def size(self) -> int:
        """Side of the image that enters the network, after the candidate has resized it."""
        return next(stage for stage in self.model.stages if stage.name != "resize").input_shape[-1]

    @property
    def learning_on_device(self) -> tuple[Stage, ...]:
        """The stages on the device that learn."""
        return tuple(
            stage
            for stage in self.model.at("device")
            if stage.name != "resize" and not (self.keeps_head and stage.name in _HEADS)
        )

    @property
    def decoder(self) -> nn.Module:
        """Widens the narrow tensor."""
        return self._named("decoder").module

    @property
    def tail(self) -> nn.Module:
        """Makes the logits."""
        return self._named("tail").module

    def target(self, indices: torch.Tensor) -> torch.Tensor:
        """The teacher's tensor at the cut, at the resolution of the candidate."""
        return self.activations.at(self.config.cut, indices, self.size)

    def narrow(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Runs the device's side.

        Args:
            indices: of the images.

        Returns:
            The narrow tensor (N, channels, h, w) before the wire, and what enters the exit's classifier, if there is
            one.
        """
        exit_input = None
        if self.keeps_head:
            x = self.target(indices)
            if self.model.exit is not None:
                exit_cut = self.config.exit_cut
                assert exit_cut is not None
                exit_input = self.activations.at(exit_cut, indices, self.size)
        else:
            x = self.activations.inputs(indices, self.size)
        for stage in self.learning_on_device:
            x = stage.module(x)
            if self.model.exit is not None and stage.name == self.model.exit.after:
                exit_input = x
        return x, exit_input

    def logits(self, received: torch.Tensor) -> torch.Tensor:
        """Runs the server's side on what came over the wire."""
        result: torch.Tensor = self.tail(self.decoder(received))
        return result

    def _named(self, name: str) -> Stage:
        stage = self.model.stage(name)
        assert stage is not None, f"a candidate has a stage {name}"
        return stage
