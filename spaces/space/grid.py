"""The search space: a flat grid of integers over ordered lists, every point a SplitConfig, every candidate numbered.

Integers and not categories, and no conditions: samplers that model distances stay usable, pools can be enumerated, and
the dashboard's plots stay readable (docs/adr/0003). Conditions and exclusions act behind the grid: an axis that does
not matter collapses to its default, so that several points may be one candidate; an excluded point has a reason.
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.space.axes import AXES, Axis, accept, defaults
from splitsearch.spaces.space.counting import Diagram, Dimension, Path

__all__ = ["Exclusion", "SearchSpace", "Suggester"]

_TRIES = 4  # draws for each candidate that is wanted: some points are excluded, some are the same candidate


class Suggester(Protocol):
    """What an axis needs of a trial; a dict can stand in for it."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Returns an integer between low and high, both included."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Combinations that are no candidates.

    Attributes:
        terms: axis to values; all of these axes must matter and hold one of theirs.
        reason: why, for whoever asks for such a point.
    """

    terms: Mapping[str, Sequence[Any]]
    reason: str


class SearchSpace:
    """Ordered lists, one per axis; a point is one index into each list of more than one value.

    Args:
        backbone: name of the backbone.
        image_size: side of the input in pixels.
        exclude: combinations that are left out.
        lists: the values of each axis under its plural or its name; axes that are not named hold their default.

    Raises:
        UserError: an axis is unknown, lacking or empty, or a value is impossible or named twice.
    """

    def __init__(
        self, *, backbone: str, image_size: int, exclude: Sequence[Exclusion] = (), **lists: Sequence[Any]
    ) -> None:
        self.backbone = backbone
        self.image_size = image_size
        self.exclude = tuple(exclude)
        self.axes: Mapping[str, tuple[Any, ...]] = {axis.name: _values(axis, lists) for axis in AXES}
        if lists:
            name = next(iter(lists))
            raise UserError(f"unknown axis '{name}'{nearest(name, [axis.plural for axis in AXES])}")

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """First and last index of each axis that leaves a choice."""
        return {name: (0, len(values) - 1) for name, values in self.axes.items() if len(values) > 1}

    @cached_property
    def _diagram(self) -> Diagram:
        dimensions = [
            Dimension(
                name=axis.name,
                values=self.axes[axis.name],
                only=[(given.field, given.holds) for given in axis.only],
            )
            for axis in AXES
        ]
        return Diagram(dimensions, [self._indices(exclusion) for exclusion in self.exclude])

    def _indices(self, exclusion: Exclusion) -> dict[str, set[int]]:
        return {
            name: {index for index, value in enumerate(self.axes[name]) if value in values}
            for name, values in exclusion.terms.items()
        }

    @property
    def size(self) -> int:
        """The exact number of distinct candidates, also where `len` would overflow."""
        return self._diagram.size

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[SplitConfig]:
        return map(self._config, self._diagram)

    def __getitem__(self, number: int) -> SplitConfig:
        """The candidate of that number in the order of iteration.

        Raises:
            IndexError: there are fewer.
        """
        return self._config(self._diagram[number + self.size if number < 0 else number])

    def __contains__(self, config: object) -> bool:
        if not isinstance(config, SplitConfig):
            return False
        try:
            point = self.point(config)
        except UserError:
            return False
        return self.excluded(point) is None

    def at(self, point: Mapping[str, int]) -> SplitConfig:
        """The candidate at an index per axis, excluded or not; axes of one value need none."""
        return self._config(self._path(point))

    def point(self, config: SplitConfig) -> dict[str, int]:
        """The index per axis of a candidate of this space; 0 where an axis does not matter.

        Raises:
            UserError: the candidate has another backbone or image size, or a value that the space does not list.
        """
        if (config.backbone, config.image_size) != (self.backbone, self.image_size):
            raise UserError(f"{config} belongs to {config.backbone} at {config.image_size} px, not to this space")
        point: dict[str, int] = {}
        for axis in AXES:
            value, values = getattr(config, axis.name), self.axes[axis.name]
            matters = _matters(axis, {name: self.axes[name][index] for name, index in point.items()})
            if matters and value not in values:
                raise UserError(f"the space has no {axis.name} {value!r}{nearest(str(value), map(str, values))}")
            if matters:
                point[axis.name] = values.index(value)
        return {name: point.get(name, 0) for name in self.ranges}

    def excluded(self, point: Mapping[str, int]) -> str | None:
        """Why the point is no candidate, or None if it is one."""
        path = self._path(point)
        mattering = {
            axis.name: self.axes[axis.name][index] for axis, index in zip(AXES, path, strict=True) if index is not None
        }
        for exclusion in self.exclude:
            if all(name in mattering and mattering[name] in values for name, values in exclusion.terms.items()):
                return exclusion.reason
        return None

    def suggest(self, trial: Suggester) -> SplitConfig:
        """Asks a trial for one index per axis that leaves a choice."""
        return self.at({name: trial.suggest_int(name, *bounds) for name, bounds in self.ranges.items()})

    def sample(self, count: int, seed: int) -> list[SplitConfig]:
        """Distinct candidates, every set of them equally likely; all of them, shuffled, if there are no more."""
        draw = random.Random(seed)
        numbers: dict[int, None] = {}
        # Floyd's way of drawing without replacement: its work grows with the count, not with the size of the space.
        for last in range(max(0, self.size - count), self.size):
            number = draw.randrange(last + 1)
            numbers[last if number in numbers else number] = None
        shuffled = list(numbers)
        draw.shuffle(shuffled)
        return [self[number] for number in shuffled]

    def relatives(self, config: SplitConfig, fixed: Collection[str], count: int, seed: int) -> list[SplitConfig]:
        """Distinct candidates that share the values of some axes with one, drawn at random; fewer where luck runs out.

        Args:
            config: a candidate of this space; the first of the result.
            fixed: names of the axes whose values are shared.
            count: how many to draw, the given one among them.
            seed: of the draw.

        Raises:
            UserError: the candidate belongs to no point of this space.
        """
        draw, origin = random.Random(seed), self.point(config)
        found = {config: None}
        for _ in range(_TRIES * count):
            if len(found) >= count:
                break
            point = {
                name: origin[name] if name in fixed else draw.randint(*bounds) for name, bounds in self.ranges.items()
            }
            if self.excluded(point) is None:
                found[self.at(point)] = None
        return list(found)

    def _path(self, point: Mapping[str, int]) -> Path:
        path: list[int | None] = []
        mattering: dict[str, Any] = {}
        for axis in AXES:
            values = self.axes[axis.name]
            if not _matters(axis, mattering):
                path.append(None)
                continue
            index = point[axis.name] if len(values) > 1 else 0
            mattering[axis.name] = values[index]
            path.append(index)
        return tuple(path)

    def _config(self, path: Path) -> SplitConfig:
        values = {
            axis.name: self.axes[axis.name][index] for axis, index in zip(AXES, path, strict=True) if index is not None
        }
        return SplitConfig(backbone=self.backbone, image_size=self.image_size, **values)


def _matters(axis: Axis, mattering: Mapping[str, Any]) -> bool:
    """Whether an axis says anything, given the values of those further up that do."""
    if not axis.only:
        return True
    return any(given.field in mattering and given.holds(mattering[given.field]) for given in axis.only)


def _values(axis: Axis, lists: dict[str, Sequence[Any]]) -> tuple[Any, ...]:
    """Takes the values of an axis out of the lists."""
    named = [name for name in dict.fromkeys((axis.plural, axis.name)) if name in lists]
    if not named:
        if axis.required:
            raise UserError(f"the space lacks the axis '{axis.plural}'")
        return (defaults()[axis.name],)
    if len(named) > 1:
        raise UserError(f"the space names both '{axis.plural}' and '{axis.name}'")
    values = tuple(accept(axis, value) for value in lists.pop(named[0]))
    if not values:
        raise UserError(f"the axis '{axis.plural}' is empty")
    for value in values:
        if values.count(value) > 1:
            raise UserError(f"the axis '{axis.plural}' names {value} twice")
    return values
