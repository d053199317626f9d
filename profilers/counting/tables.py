"""Operator tables of stages: what candidates share is counted once, and a stretch of a network from its whole table."""

import math
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from splitsearch.profilers.counting.operators import Cost, OperatorCost, operator_costs, total
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Stage

__all__ = ["OperatorTables"]

_Key = tuple[str, tuple[int, ...]]


class OperatorTables:
    """Counts the operators of stages, and remembers those that other candidates have too."""

    def __init__(self) -> None:
        self._known: dict[_Key, Mapping[str, OperatorCost]] = {}
        self._sums: dict[_Key, Cost] = {}
        self._whole: WeakKeyDictionary[TracedGraph, Mapping[str, OperatorCost]] = WeakKeyDictionary()

    def of(self, stage: Stage) -> Mapping[str, OperatorCost]:
        """Node name to cost, in order of execution."""
        if stage.same_costs is None:
            return self._counted(stage)
        key = (stage.same_costs, stage.input_shape)
        if key not in self._known:
            self._known[key] = self._counted(stage)
        return self._known[key]

    def total(self, stage: Stage) -> Cost:
        """The sum over a stage."""
        if stage.same_costs is None:
            return total(self.of(stage).values())
        key = (stage.same_costs, stage.input_shape)
        if key not in self._sums:
            self._sums[key] = total(self.of(stage).values())
        return self._sums[key]

    def _counted(self, stage: Stage) -> Mapping[str, OperatorCost]:
        if not stage.parts:
            return operator_costs(stage.module.eval(), stage.input_shape)
        if len(stage.parts) == 1:
            return self._part(stage.parts[0])
        lanes = {
            f"lane{k}.{name}": cost for k, part in enumerate(stage.parts) for name, cost in self._part(part).items()
        }
        return lanes | _join(stage)

    def _part(self, part: GraphPart) -> Mapping[str, OperatorCost]:
        """The rows of the whole network's table that lie in the stretch: nothing is cut out or run again."""
        graph = part.graph
        if graph not in self._whole:
            self._whole[graph] = operator_costs(graph.module, (3, graph.image_size, graph.image_size))
        nodes = part.nodes
        return {name: cost for name, cost in self._whole[graph].items() if name in nodes}


def _join(stage: Stage) -> dict[str, OperatorCost]:
    """What lanes cost where they meet: logits are averaged, maps are laid one after another."""
    elements, lanes = math.prod(stage.output_shape), len(stage.parts)
    if stage.parts[0].until is None:
        sums = {f"add{k}": _moved(2 * elements, elements) for k in range(1, lanes)}
        return sums | {"mean": _moved(elements, elements)}
    return {"cat": _moved(elements, elements)}


def _moved(inputs: int, outputs: int) -> OperatorCost:
    return OperatorCost(macs=0, parameters=0, inputs=inputs, outputs=outputs)
