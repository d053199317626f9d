"""What a search knows before its first trial: the points that may be tried, and the objectives that need no trial."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Direction", "Grow", "Knowledge", "Point", "key_of"]

Direction = Literal["maximize", "minimize"]
Point = Mapping[str, Any]
_LEAST_LACK = 1e-3  # no few hundred images tell a share of 0.999 from 1
Grow = Callable[[Sequence[Point]], Iterable[tuple[Point, Mapping[str, float]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """A pool of points with what is known of each.

    Attributes:
        objectives: of the study, in its order: name to direction.
        points: parameters of each point; all name the same ones. Values are numbers, booleans or text.
        known: objective to its value for each point, in the order of the points; at least one objective is missing,
            and that is what trials find out.
        log: objectives that are taken on a log scale, in the volume and by the surrogate; None for every known one
            whose values are all positive.
        shares: unknown objectives in [0, 1] to be maximised, such as an accuracy, taken by what they lack, on a log
            scale: from 0.94 to 0.97 is as far as from 0.4 to 0.7, since either halves the errors.
        nominal: parameters of numbers that stand for names, such as the places where a network may be cut: neighbours
            are often alike, and need not be.
        grow: given the points of the present front, returns further points with their known objectives; what is known
            already may be among them. None where the pool is the whole space.

    Raises:
        ValueError: something of it does not fit together; the message says what.
    """

    objectives: Mapping[str, Direction]
    points: Sequence[Point]
    known: Mapping[str, Sequence[float]]
    log: frozenset[str] | None = None
    shares: frozenset[str] = frozenset()
    nominal: frozenset[str] = frozenset()
    grow: Grow | None = None

    def __post_init__(self) -> None:
        _check_objectives(self)
        _check_points(self.points)
        for name in self.shares:
            _check_share(self, name)
        if unknown := self.nominal - set(self.points[0]):
            raise ValueError(f"'{min(unknown)}' is none of the parameters {', '.join(self.points[0])}")
        for name, values in self.known.items():
            _check_values(name, values, len(self.points))
            if self.log and name in self.log and min(values) <= 0:
                raise ValueError(f"'{name}' cannot be taken on a log scale: it has the value {min(values):g}")
        if self.log is None:
            object.__setattr__(self, "log", frozenset(n for n, values in self.known.items() if min(values) > 0))

    def gain(self, name: str, value: float) -> float:
        """An unknown objective turned so that more is better, on its scale; infinite where that has no value."""
        if name in self.shares:
            return -math.log(max(1 - value, _LEAST_LACK))
        if self.is_log(name):
            value = math.log(value) if value > 0 else -math.inf
        return value if self.objectives[name] == "maximize" else -value

    def slope(self, name: str, value: float) -> float:
        """By how much the gain grows with the objective there: what turns a deviation of one into that of the other."""
        if name in self.shares:
            return 1 / max(1 - value, _LEAST_LACK)
        return 1 / value if self.is_log(name) and value > 0 else 1.0

    @property
    def unknown(self) -> tuple[str, ...]:
        """The objectives that only a trial finds out."""
        return tuple(name for name in self.objectives if name not in self.known)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(self.points[0])

    def is_log(self, name: str) -> bool:
        """Whether an objective is taken on a log scale."""
        return self.log is not None and name in self.log


def key_of(point: Point, parameters: Sequence[str]) -> tuple[Any, ...]:
    """What tells two points apart; a whole number is the same as text or not, but 1 and 1.0 are one value.

    Raises:
        KeyError: the point lacks a parameter.
    """
    return tuple(point[name] for name in parameters)


def _check_objectives(knowledge: Knowledge) -> None:
    for name, direction in knowledge.objectives.items():
        if direction not in ("maximize", "minimize"):
            raise ValueError(f"the direction of '{name}' must be 'maximize' or 'minimize', not {direction!r}")
    for name in (*knowledge.known, *(knowledge.log or ())):
        if name not in knowledge.objectives:
            raise ValueError(f"'{name}' is none of the objectives {', '.join(knowledge.objectives)}")
    if not knowledge.unknown:
        raise ValueError("every objective is known: there is nothing to search, sort the points")


def _check_share(knowledge: Knowledge, name: str) -> None:
    logarithmic = knowledge.log is not None and name in knowledge.log
    if name not in knowledge.unknown or knowledge.objectives[name] != "maximize" or logarithmic:
        raise ValueError(f"'{name}' is no share: that is an unknown objective that is maximised, on no log scale")


def _check_points(points: Sequence[Point]) -> None:
    if not points:
        raise ValueError("the pool is empty")
    names = tuple(points[0])
    seen: dict[tuple[Any, ...], int] = {}
    for number, point in enumerate(points):
        if set(point) != set(names):
            raise ValueError(f"point {number} has the parameters {sorted(point)}, the first one has {sorted(names)}")
        first = seen.setdefault(key_of(point, names), number)
        if first != number:
            raise ValueError(f"the points {first} and {number} are the same")


def _check_values(name: str, values: Sequence[float], count: int) -> None:
    if len(values) != count:
        raise ValueError(f"'{name}' has {len(values)} values for {count} points")
    for number, value in enumerate(values):
        if not math.isfinite(value):
            raise ValueError(f"'{name}' of point {number} is {value}")
