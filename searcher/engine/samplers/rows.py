"""The pool as arrays: scaled costs and features of every point, and room for points that join later."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from splitsearch.searcher.engine.samplers.attainment import Array
from splitsearch.searcher.engine.samplers.encoding import Encoding
from splitsearch.searcher.engine.samplers.knowledge import Knowledge, Point, key_of

__all__ = ["Rows", "Scale"]


class Scale:
    """One known objective turned into a cost in [0, 1]: smaller is better, 0 and 1 are the ends of the pool."""

    def __init__(self, values: Sequence[float], *, maximise: bool, log: bool) -> None:
        self._sign, self._log = -1.0 if maximise else 1.0, log
        turned = self._turn(np.asarray(values, dtype=np.float64))
        self._low, self._span = float(turned.min()), float(np.ptp(turned)) or 1.0

    def __call__(self, values: Array) -> Array:
        """Costs of values; beyond the ends they leave [0, 1], and what has no logarithm is the least of all."""
        return np.asarray((self._turn(values) - self._low) / self._span, dtype=np.float64)

    def _turn(self, values: Array) -> Array:
        return self._sign * (np.log(np.maximum(values, np.finfo(np.float64).tiny)) if self._log else values)


class Rows:
    """Points with their costs and features; a point's number is its place, for good.

    Attributes:
        points: as they came, then as they joined.
        costs: (n, k) scaled known objectives: the box that volumes are measured in.
        known: (n,) each known objective as it was given.
        features: (n, d) what the surrogate sees: encoded parameters, then the costs, on a log scale where that exists.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.parameters = knowledge.parameters
        self.points: list[Point] = []
        self._names = tuple(name for name in knowledge.objectives if name in knowledge.known)
        self._encoding = Encoding.of(knowledge.points, knowledge.nominal)
        self._scales: dict[str, Scale] = {}
        self._views: dict[str, Scale] = {}
        for name in self._names:
            values, maximise = knowledge.known[name], knowledge.objectives[name] == "maximize"
            self._scales[name] = Scale(values, maximise=maximise, log=knowledge.is_log(name))
            self._views[name] = Scale(values, maximise=maximise, log=min(values) > 0)
        self._places: dict[tuple[Any, ...], int] = {}
        self.known: dict[str, list[float]] = {name: [] for name in self._names}
        self.costs = np.zeros((0, len(self._names)))
        self.features = np.zeros((0, 0))
        self.join(knowledge.points, knowledge.known)

    @property
    def groups(self) -> tuple[int, ...]:
        """Of each feature, the group whose length it shares: parameters, then one for each cost."""
        encoded = self._encoding.groups
        first = encoded[-1] + 1 if encoded else 0
        return (*encoded, *range(first, first + len(self._names)))

    def __len__(self) -> int:
        return len(self.points)

    def place(self, point: Point) -> int | None:
        """The number of a point, None if it is not in the pool."""
        try:
            return self._places.get(key_of(point, self.parameters))
        except (KeyError, TypeError):  # a trial of another space, or a value that is no value
            return None

    def join(self, points: Sequence[Point], known: Mapping[str, Sequence[float]]) -> None:
        """Adds points, which must be new and distinct, with their known objectives."""
        if not points:
            return
        for point in points:
            self._places[key_of(point, self.parameters)] = len(self.points)
            self.points.append(dict(point))
        for name in self._names:
            self.known[name].extend(float(value) for value in known[name])
        costs, features = self.measure(points, known)
        self.costs = np.vstack([self.costs, costs])
        self.features = np.vstack([self.features, features]) if self.features.size else features

    def measure(self, points: Sequence[Point], known: Mapping[str, Sequence[float]]) -> tuple[Array, Array]:
        """Costs and features of points, in the pool or not."""
        values = {name: np.asarray(known[name], dtype=np.float64) for name in self._names}
        none = np.zeros((len(points), 0))
        costs = [scale(values[name])[:, None] for name, scale in self._scales.items()]
        views = [view(values[name])[:, None] for name, view in self._views.items()]
        return np.hstack([none, *costs]), np.hstack([self._encoding.encode(points), *views])
