"""The kernels of stages: what candidates share is described once, and a stretch of a network from its whole graph."""

import functools
from weakref import WeakKeyDictionary

import torch
from torch import nn

from splitsearch.profilers.predict.describe import Operator, beside, operators_of, stretch_of
from splitsearch.profilers.predict.fuse import Sequel, sequel_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Stage

__all__ = ["Sequels"]


class Sequels:
    """Describes the kernels of stages in one runtime."""

    def __init__(self, runtime: str) -> None:
        """Takes the name of the rules, one of `fuse.RUNTIMES`."""
        self._runtime = runtime
        self._whole: WeakKeyDictionary[TracedGraph, tuple[Operator, ...]] = WeakKeyDictionary()

    def of(self, stage: Stage) -> Sequel:
        """The kernels of one stage; whoever asks remembers them."""
        if len(stage.parts) == 1:
            return sequel_of(self._stretch(stage.parts[0]), self._runtime)
        if stage.parts and all(map(_is_plain, stage.parts)):
            shape, logits = stage.parts[0].output_shape, stage.parts[0].until is None
            joins = _joins(len(stage.parts), shape, logits=logits)
            return sequel_of(beside([self._stretch(part) for part in stage.parts], joins), self._runtime)
        # Tokens and vectors become maps where lanes meet, and back: that stands in no graph but the stage's own.
        return sequel_of(operators_of(stage.module.eval(), stage.input_shape), self._runtime)

    def _stretch(self, part: GraphPart) -> tuple[Operator, ...]:
        graph = part.graph
        if graph not in self._whole:
            self._whole[graph] = operators_of(graph.module, (3, graph.image_size, graph.image_size))
        whole = self._whole[graph]
        return whole if part.after is None and part.until is None else stretch_of(whole, part.nodes)


def _is_plain(part: GraphPart) -> bool:
    """Whether lanes meet in slices of channels and in joins alone, at both ends of a stretch."""
    return all(cut is None or len(cut.shape) == 3 for cut in (part.after, part.until))


class _Join(nn.Module):
    """What `Lanes` does with the results of so many networks."""

    def __init__(self, count: int, *, logits: bool) -> None:
        super().__init__()
        self.count, self.logits = count, logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits are averaged, maps are laid one after another."""
        if not self.logits:
            return torch.cat([x] * self.count, dim=1)
        total: torch.Tensor = sum([x] * (self.count - 1), x)
        return total / self.count


@functools.cache
def _joins(count: int, shape: tuple[int, ...], *, logits: bool) -> tuple[Kernel, ...]:
    return tuple(operator.kernel for operator in operators_of(_Join(count, logits=logits).eval(), shape))
