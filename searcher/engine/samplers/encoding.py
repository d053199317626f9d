"""Points as rows of numbers for the surrogate: ranks for what is ordered, one column per value for what is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from splitsearch.searcher.engine.samplers.attainment import Array
from splitsearch.searcher.engine.samplers.knowledge import Point

__all__ = ["Encoding"]

_RANKED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How each parameter becomes columns, fixed by the values that the pool has.

    Numbers of few values become ranks in [0, 1], because lists of channels or widths are steps of a designer and not
    lengths; numbers of many values are scaled linearly. Text has no order: one column per value, of which any two
    are as far apart as the ends of a number.

    Attributes:
        values: parameter to its sorted numbers, or its texts.
    """

    values: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Sequence[Point]) -> "Encoding":
        """Reads the values of a pool; a parameter of one value tells nothing and has no column."""
        values = {name: _distinct([point[name] for point in points]) for name in points[0]}
        return cls(values={name: distinct for name, distinct in values.items() if len(distinct) > 1})

    def encode(self, points: Sequence[Point]) -> Array:
        """One row per point, (n, columns), all in [0, 1]; values that the pool did not have stand between or beside."""
        columns = [self._columns(name, [point[name] for point in points]) for name in self.values]
        return np.hstack(columns) if columns else np.zeros((len(points), 0))

    def _columns(self, name: str, found: Sequence[Any]) -> Array:
        distinct = self.values[name]
        if not _is_number(distinct[0]):
            texts = [[float(str(value) == str(one)) for one in distinct] for value in found]
            return np.array(texts, dtype=np.float64).reshape(-1, len(distinct)) / float(np.sqrt(2))
        numbers = np.array([float(value) for value in found])
        knots = np.array([float(value) for value in distinct])
        if len(distinct) <= _RANKED:
            ranks: Array = np.interp(numbers, knots, np.linspace(0, 1, len(knots)))
            return ranks[:, None]
        scaled: Array = (numbers - knots[0]) / (knots[-1] - knots[0])
        return scaled[:, None]


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.number)


def _distinct(found: Sequence[Any]) -> list[Any]:
    """Sorted; numbers only if all of them are."""
    if all(_is_number(value) for value in found):
        return sorted(set(found))
    return sorted({str(value) for value in found})
