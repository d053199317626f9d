"""What operators cost, as data: rows of a table that others add up, and what such a table leaves out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import nn

from splitsearch.profilers.counting.macs import is_free

__all__ = ["Cost", "Operator", "OperatorCost", "added", "total", "uncounted", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCost:
    """One operator on one image.

    Attributes:
        macs: multiply-adds.
        parameters: numbers read from the weights.
        inputs: elements read.
        outputs: elements written.
    """

    macs: int
    parameters: int
    inputs: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator with what people want to see of it.

    Attributes:
        name: of the node in the graph.
        kind: class of the module, or name of the function or method.
        input_shapes: of the tensors that it reads, weights excluded, with the batch dimension.
        output_shape: of its first result.
        cost: for one image.
        uncounted: operators in it without a count, to how often they run; itself, if it has no multiply-adds.
    """

    name: str
    kind: str
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    cost: OperatorCost
    uncounted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A sum over operators.

    Attributes:
        macs: multiply-adds for one image.
        parameters: of all operators; a weight used twice counts once per use.
        operators: how many kernels are launched.
        peak_elements: the most elements that one operator reads and writes: a lower bound of the activation memory.
    """

    macs: int
    parameters: int
    operators: int
    peak_elements: int


def added(costs: Iterable[Cost]) -> Cost:
    """Sums sums."""
    parts = tuple(costs)
    return Cost(
        macs=sum(cost.macs for cost in parts),
        parameters=sum(cost.parameters for cost in parts),
        operators=sum(cost.operators for cost in parts),
        peak_elements=max((cost.peak_elements for cost in parts), default=0),
    )


def total(costs: Iterable[OperatorCost]) -> Cost:
    """Sums operators."""
    table = tuple(costs)
    return Cost(
        macs=sum(cost.macs for cost in table),
        parameters=sum(cost.parameters for cost in table),
        operators=len(table),
        peak_elements=max((cost.inputs + cost.outputs for cost in table), default=0),
    )


def uncounted(table: Iterable[Operator]) -> dict[str, int]:
    """All operators without a count, to how often they run, the most frequent first."""
    sums: Counter[str] = Counter()
    for row in table:
        sums.update(row.uncounted)
    return dict(sums.most_common())


def unknown(names: Iterable[str]) -> list[str]:
    """Which of them may have multiply-adds that the sum lacks: all but activations, norms, pooling and arithmetic."""
    own = {name.lower() for name, kind in vars(nn).items() if isinstance(kind, type)}
    return [name for name in names if not is_free(name) and name.lower() not in own]
