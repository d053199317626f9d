"""A candidate as a student: which of its stages learn, and what enters the first of them.

The backbone's own head is never run twice: where a candidate keeps it, its activations come from the store. A head that
is pruned, shrunk, divided or replaced learns too, and then the images enter.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from splitsearch.searcher.training.activations import Activations
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import Lanes, SplitModel, Stage

__all__ = ["Student", "views_of"]

_HEADS = ("head", "head_after_exit")


def views_of(activations: Activations) -> int:
    """How many deterministic views of each image there are, the plain one among them."""
    return int(getattr(activations, "views", 1))


def _seen(view: int) -> dict[str, Any]:
    """The plain view is what every store of activations has."""
    return {"view": view} if view else {}


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

    @property
    def members(self) -> int:
        """Networks that the tail consists of: SplitNet's S where it is divided, else 1."""
        return len(self.tail.lanes) if isinstance(self.tail, Lanes) else 1

    def target(self, indices: torch.Tensor, view: int = 0, cut: str | None = None) -> torch.Tensor:
        """The teacher's tensor at a cut, at the resolution of the candidate.

        Args:
            indices: of the images.
            view: of them.
            cut: None means the candidate's own.
        """
        return self.activations.at(cut or self.config.cut, indices, self.size, **_seen(view))

    def teacher_logits(self, indices: torch.Tensor, view: int = 0) -> torch.Tensor:
        """The teacher's logits (N, K)."""
        return self.activations.logits(indices, **_seen(view))

    def narrow(self, indices: torch.Tensor, view: int = 0) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Runs the device's side.

        Args:
            indices: of the images.
            view: of them.

        Returns:
            The narrow tensor (N, channels, h, w) before the wire, and what enters the exit's classifier, if there is
            one.
        """
        exit_input = None
        if self.keeps_head:
            x = self.target(indices, view)
            if self.model.exit is not None:
                exit_cut = self.config.exit_cut
                assert exit_cut is not None
                exit_input = self.target(indices, view, exit_cut)
        else:
            x = self.activations.inputs(indices, self.size, **_seen(view))
        for stage in self.learning_on_device:
            x = stage.module(x)
            if self.model.exit is not None and stage.name == self.model.exit.after:
                exit_input = x
        return x, exit_input

    def logits(self, received: torch.Tensor) -> torch.Tensor:
        """Runs the server's side on what came over the wire."""
        result: torch.Tensor = self.tail(self.decoder(received))
        return result

    def member_logits(self, joint: torch.Tensor, place: int) -> torch.Tensor:
        """The logits of one member of the tail, from the decoder's output."""
        if isinstance(self.tail, Lanes):
            return self.tail.member(joint, place)
        result: torch.Tensor = self.tail(joint)
        return result

    def _named(self, name: str) -> Stage:
        stage = self.model.stage(name)
        assert stage is not None, f"a candidate has a stage {name}"
        return stage
