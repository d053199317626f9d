"""Counts, numbers and walks the candidates of a space without listing them.

The dimensions are decided one after the other. What the later ones need to know of the earlier ones is little: which of
them matter, and which exclusions may still come true. Partial choices that agree on this are one state, so the tree of
choices folds into a small layered graph (a multi-valued decision diagram, Knuth, TAOCP 4A, 7.1.4). Summing the ways
from each state to the end gives the exact number of candidates and, walked with a number in hand, the i-th of them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from splitsearch.spaces.errors import UserError

__all__ = ["Diagram", "Dimension", "Path"]

Path = tuple[int | None, ...]
"""One index per dimension; None where the dimension does not matter."""

_State = tuple[int, int]  # two sets as bits: later dimensions known to matter, exclusions that may still come true
_Edges = tuple[tuple[int | None, _State], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A list of values.

    Attributes:
        name: of the dimension.
        values: at least one.
        only: name of an earlier dimension and what its value must fulfil for this one to matter; one of them must hold
            and its dimension matter itself. Empty for a dimension that always matters.
    """

    name: str
    values: Sequence[Any]
    only: Sequence[tuple[str, Callable[[Any], bool]]] = ()


class Diagram:
    """All paths through dimensions that no exclusion forbids, in lexicographic order.

    Args:
        dimensions: every one after those that its premises name.
        exclusions: dimension to indices; a path is out if all dimensions of one exclusion matter and stand at these.
        limit: states that may be kept.

    Raises:
        UserError: the exclusions are so entangled that there are more states: counting is hard in general (it is the
            counting of the solutions of a formula in disjunctive normal form).
    """

    def __init__(
        self,
        dimensions: Sequence[Dimension],
        exclusions: Sequence[Mapping[str, Collection[int]]] = (),
        *,
        limit: int = 100_000,
    ) -> None:
        self._dimensions = dimensions
        self._enabled = _enabled(dimensions)
        self._kept, self._untouched, self._last = _fates(dimensions, exclusions)
        always = sum(1 << k for k, dimension in enumerate(dimensions) if not dimension.only)
        self._start: _State = (always, (1 << len(exclusions)) - 1)
        self._edges: list[dict[_State, _Edges]] = []
        self._counts: list[dict[_State, int]] = []
        self._discover(limit)
        self._sum()

    @property
    def size(self) -> int:
        """The exact number of paths."""
        return self._counts[0][self._start]

    @property
    def states(self) -> int:
        """How many states were needed, over all layers: a measure of the work."""
        return sum(len(layer) for layer in self._counts)

    def __getitem__(self, number: int) -> Path:
        """The path of that number, from 0.

        Raises:
            IndexError: there are fewer.
        """
        if not 0 <= number < self.size:
            raise IndexError(f"there is no path {number} among {self.size}")
        state, path = self._start, []
        for layer, after in zip(self._edges, self._counts[1:], strict=True):
            for choice, following in layer[state]:
                if number < after[following]:
                    path.append(choice)
                    state = following
                    break
                number -= after[following]
        return tuple(path)

    def __iter__(self) -> Iterator[Path]:
        """All paths, one at a time."""
        return self._paths(0, self._start)

    def _paths(self, k: int, state: _State) -> Iterator[Path]:
        if k == len(self._edges):
            yield ()
            return
        for choice, following in self._edges[k][state]:
            for rest in self._paths(k + 1, following):
                yield (choice, *rest)

    def _discover(self, limit: int) -> None:
        """Forwards: the states of each layer and where their choices lead."""
        states, seen = {self._start}, 1
        for k in range(len(self._dimensions)):
            layer = {state: tuple(self._steps(k, state)) for state in states}
            states = {following for edges in layer.values() for _, following in edges}
            self._edges.append(layer)
            seen += len(states)
            if seen > limit:
                raise UserError(f"the exclusions are too entangled to count the candidates: over {limit} states")
        self._counts = [dict.fromkeys(states, 1)]

    def _sum(self) -> None:
        """Backwards: the ways from each state to the end; choices that lead nowhere are dropped."""
        for layer in reversed(self._edges):
            after = self._counts[0]
            for state, edges in layer.items():
                layer[state] = tuple(edge for edge in edges if after[edge[1]])
            self._counts.insert(0, {state: sum(after[end] for _, end in edges) for state, edges in layer.items()})

    def _steps(self, k: int, state: _State) -> Iterator[tuple[int | None, _State]]:
        matters, possible = state
        later = ~((2 << k) - 1)
        if not matters >> k & 1:
            yield None, (matters & later, possible & self._untouched[k])
            return
        for index, enabled in enumerate(self._enabled[k]):
            still = possible & self._kept[k][index]
            if not still & self._last[k]:  # else an exclusion has come true
                yield index, ((matters | enabled) & later, still)


def _enabled(dimensions: Sequence[Dimension]) -> list[list[int]]:
    """Per dimension and index: the dimensions that matter because of it, as bits."""
    place = {dimension.name: k for k, dimension in enumerate(dimensions)}
    found = [[0] * len(dimension.values) for dimension in dimensions]
    for k, dimension in enumerate(dimensions):
        for name, holds in dimension.only:
            if place[name] >= k:
                raise ValueError(f"'{dimension.name}' comes before '{name}', on which it depends")
            for index, value in enumerate(dimensions[place[name]].values):
                found[place[name]][index] |= holds(value) << k
    return found


def _fates(
    dimensions: Sequence[Dimension], exclusions: Sequence[Mapping[str, Collection[int]]]
) -> tuple[list[list[int]], list[int], list[int]]:
    """What a decision does to exclusions, as bits.

    Returns:
        Per dimension and index, those that stay possible; per dimension, those that it has no say in; per dimension,
        those of which it is the last.
    """
    kept = [[0] * len(dimension.values) for dimension in dimensions]
    untouched, last = [0] * len(dimensions), [0] * len(dimensions)
    for bit, exclusion in enumerate(exclusions):
        named = [k for k, dimension in enumerate(dimensions) if dimension.name in exclusion]
        if not named or len(named) != len(exclusion):
            raise ValueError(f"exclusion {bit} names no dimension, or one that there is not: {sorted(exclusion)}")
        last[named[-1]] |= 1 << bit
        for k, dimension in enumerate(dimensions):
            untouched[k] |= (k not in named) << bit
            for index in range(len(dimension.values)):
                kept[k][index] |= (k not in named or index in exclusion[dimension.name]) << bit
    return kept, untouched, last
