"""Points as rows of numbers for the surrogate: ranks for what is ordered, one column per value for what is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from splitsearch.searcher.engine.samplers.attainment import Array
from splitsearch.searcher.engine.samplers.knowledge import Point

__all__ = ["Encoding"]

_RANKED = 64
_NAMES = 0.5  # length of a column per name beside the ranks of a nominal parameter (benchmarks/real_table.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How each parameter becomes columns, fixed by the values that the pool has.

    Numbers of few values become ranks in [0, 1], because lists of channels or widths are steps of a designer and not
    lengths; numbers of many values are scaled linearly. Text has no order: one column per value, of which any two
    are as far apart as the ends of a number. Numbers that stand for names have both: their ranks, since neighbours are
    often alike, and short columns, since they need not be.

    Attributes:
        values: parameter to its sorted numbers, or its texts.
        nominal: parameters of numbers that stand for names.
    """

    values: dict[str, list[Any]] = field(default_factory=dict)
    nominal: frozenset[str] = frozenset()

    @classmethod
    def of(cls, points: Sequence[Point], nominal: frozenset[str] = frozenset()) -> "Encoding":
        """Reads the values of a pool; a parameter of one value tells nothing and has no column."""
        values = {name: _distinct([point[name] for point in points]) for name in points[0]}
        return cls(values={name: distinct for name, distinct in values.items() if len(distinct) > 1}, nominal=nominal)

    def encode(self, points: Sequence[Point]) -> Array:
        """One row per point, (n, columns), all in [0, 1]; values that the pool did not have stand between or beside."""
        columns = [self._columns(name, [point[name] for point in points]) for name in self.values]
        return np.hstack(columns) if columns else np.zeros((len(points), 0))

    @property
    def groups(self) -> tuple[int, ...]:
        """Of each column, the group that it belongs to: ranks are one, all names of a parameter another."""
        found: list[int] = []
        for name, distinct in self.values.items():
            start = found[-1] + 1 if found else 0
            if not _is_number(distinct[0]):
                found += [start] * len(distinct)
            elif self._is_named(name):
                found += [start, *[start + 1] * len(distinct)]
            else:
                found.append(start)
        return tuple(found)

    def _is_named(self, name: str) -> bool:
        """Whether ranks have columns of names beside them; of two values the ranks say all."""
        return name in self.nominal and 2 < len(self.values[name]) <= _RANKED

    def _columns(self, name: str, found: Sequence[Any]) -> Array:
        distinct = self.values[name]
        if not _is_number(distinct[0]):
            return _names(found, distinct) / float(np.sqrt(2))
        numbers = np.array([float(value) for value in found])
        knots = np.array([float(value) for value in distinct])
        if len(distinct) <= _RANKED:
            ranks: Array = np.interp(numbers, knots, np.linspace(0, 1, len(knots)))[:, None]
            return np.hstack([ranks, _NAMES * _names(found, distinct)]) if self._is_named(name) else ranks
        scaled: Array = (numbers - knots[0]) / (knots[-1] - knots[0])
        return scaled[:, None]


def _names(found: Sequence[Any], distinct: Sequence[Any]) -> Array:
    """(n, values): 1 where a value is the column's."""
    texts = [[float(str(value) == str(one)) for one in distinct] for value in found]
    return np.array(texts, dtype=np.float64).reshape(-1, len(distinct))


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.number)


def _distinct(found: Sequence[Any]) -> list[Any]:
    """Sorted; numbers only if all of them are."""
    if all(_is_number(value) for value in found):
        return sorted(set(found))
    return sorted({str(value) for value in found})
