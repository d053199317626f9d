"""Operator tables of stages: what candidates share is counted once."""

from collections.abc import Mapping

from splitsearch.profilers.operators import OperatorCost, operator_costs
from splitsearch.spaces.model import Stage

__all__ = ["OperatorTables"]


class OperatorTables:
    """Counts the operators of stages, and remembers those that other candidates have too."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[int, ...]], Mapping[str, OperatorCost]] = {}

    def of(self, stage: Stage) -> Mapping[str, OperatorCost]:
        """Node name to cost, in order of execution."""
        if stage.same_costs is None:
            return operator_costs(stage.module.eval(), stage.input_shape)
        key = (stage.same_costs, stage.input_shape)
        if key not in self._known:
            self._known[key] = operator_costs(stage.module.eval(), stage.input_shape)
        return self._known[key]
