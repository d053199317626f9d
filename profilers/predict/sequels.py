"""The kernels of stages: what candidates share is described once, and a stretch of a network from its whole graph."""

from weakref import WeakKeyDictionary

from splitsearch.profilers.predict.describe import Operator, operators_of, stretch_of
from splitsearch.profilers.predict.fuse import Sequel, sequel_of
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
        # Lanes meet in slices and joins that stand in no graph but the stage's own.
        return sequel_of(operators_of(stage.module.eval(), stage.input_shape), self._runtime)

    def _stretch(self, part: GraphPart) -> tuple[Operator, ...]:
        graph = part.graph
        if graph not in self._whole:
            self._whole[graph] = operators_of(graph.module, (3, graph.image_size, graph.image_size))
        whole = self._whole[graph]
        return whole if part.after is None and part.until is None else stretch_of(whole, part.nodes)
