"""Which point to try next: the rule of the known-cost sampler, without any study around it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitsearch.searcher.engine.pareto import non_dominated
from splitsearch.searcher.engine.samplers.attainment import (
    REFERENCE,
    Array,
    attainment,
    budgets,
    expected_dominated,
    expected_improvement,
    within,
)
from splitsearch.searcher.engine.samplers.knowledge import Knowledge, Point, key_of
from splitsearch.searcher.engine.samplers.rows import Rows
from splitsearch.searcher.engine.samplers.start import start_design
from splitsearch.searcher.engine.samplers.surrogate import Surrogate

__all__ = ["STARTUP", "Adviser", "Seen"]

STARTUP = 5
"""Trials that spread over the known costs before anything is modelled (benchmarks/*_table*.py)."""

_BUDGETS = 2048
_FLOOR = 0.1  # below the worst gain seen, as a share of the range: where the reference of the hypervolume lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What finished trials found, as arrays of one row per trial.

    Attributes:
        costs: (n, k) scaled known objectives.
        features: (n, d).
        gains: (n, m) unknown objectives, turned so that more is better.
        extra: (n, m) deviation of gains that are estimates; 0 for measured ones.
        attained: (n,) whether the trial may be a point of the front: complete, and within all constraints.
    """

    costs: Array
    features: Array
    gains: Array
    extra: Array
    attained: NDArray[np.bool_]


class Adviser:
    """Ranks the pool by what a trial would add to the front.

    Args:
        knowledge: the pool.
        seed: of the Sobol sequence.
        startup: trials that spread over the known costs before anything is modelled.
    """

    def __init__(self, knowledge: Knowledge, seed: int, startup: int = STARTUP) -> None:
        self.rows = Rows(knowledge)
        self._startup = startup
        self._grow = knowledge.grow
        self._grown: set[int] = set()
        self._known = self.rows.costs.shape[1]
        unknown = len(knowledge.unknown)
        self._surrogates = [Surrogate(seed, self.rows.groups) for _ in range(unknown)]
        # With one unknown objective its integral has a closed form; several are axes of the box like the others.
        self._box = budgets(self._known + (unknown if unknown > 1 else 0), _BUDGETS, seed)
        self._allowed = within(self.rows.costs, self._box[:, : self._known])

    def rank(
        self, seen: Seen, running: Collection[int], taken: Collection[int], barred: Collection[int], count: int
    ) -> list[int]:
        """The best free points, best first; empty if none is free.

        Args:
            seen: what finished trials found.
            running: numbers of points that are being tried.
            taken: numbers of points that were tried or are being tried, whatever came of it.
            barred: numbers of other points that are not wanted.
            count: how many to return at most.
        """
        free = np.setdiff1d(np.arange(len(self.rows)), np.array([*taken, *barred], dtype=np.intp))
        if not len(free):
            return []
        if len(seen.gains) + len(running) < self._startup or len(seen.gains) < 2:
            return start_design(self.rows.costs, self.rows.features, sorted(taken), free, count)
        scores = self._scores(seen, np.array(sorted(running), dtype=np.intp), free)
        return [int(number) for number in free[np.argsort(-scores, kind="stable")[:count]]]

    def grow(self, places: Sequence[int], seen: Seen) -> None:
        """Lets the neighbours of front points join the pool; each point is asked for once.

        Args:
            places: numbers of the points that `seen` tells of, in its order; -1 for what is not in the pool.
            seen: what finished trials found.
        """
        if self._grow is None or not seen.attained.any():
            return
        front = non_dominated(np.hstack([seen.costs, -seen.gains])[seen.attained])
        incumbents = set(np.asarray(places)[seen.attained][front].tolist()) - self._grown - {-1}
        if not incumbents:
            return
        self._grown |= incumbents
        before = len(self.rows)
        fresh: dict[tuple[object, ...], tuple[Point, dict[str, float]]] = {}
        for point, known in self._grow([self.rows.points[number] for number in sorted(incumbents)]):
            if self.rows.place(point) is None:
                fresh[key_of(point, self.rows.parameters)] = (point, dict(known))
        points, values = [point for point, _ in fresh.values()], [known for _, known in fresh.values()]
        self.rows.join(points, {name: [known[name] for known in values] for name in (values[0] if values else ())})
        added = within(self.rows.costs[before:], self._box[:, : self._known])
        self._allowed = np.vstack([self._allowed, added])

    def _scores(self, seen: Seen, running: NDArray[np.intp], free: NDArray[np.intp]) -> Array:
        """Expected growth of the volume by each free point, running ones being believed to reach their prediction."""
        believed, means, deviations = self._predict(seen, running, free)
        costs = np.vstack([seen.costs, self.rows.costs[running]])
        gains = np.vstack([seen.gains, believed])
        attained = np.concatenate([seen.attained, np.ones(len(running), dtype=np.bool_)])
        floors = seen.gains.min(axis=0) - _FLOOR * np.ptp(seen.gains, axis=0)
        if gains.shape[1] == 1:
            thresholds = attainment(costs[attained], gains[attained, 0], self._box, float(floors[0]))
            return expected_improvement(means[:, 0], deviations[:, 0], self._allowed[free], thresholds)
        tops = np.maximum(gains.max(axis=0), (means + 2 * deviations).max(axis=0))
        wanted = floors + self._box[:, self._known :] / REFERENCE * (tops - floors)
        reached = within(costs[attained], self._box[:, : self._known]) & within(-gains[attained], -wanted)
        vacant = np.logical_not(reached.any(axis=0))
        return expected_dominated(means, deviations, self._allowed[free][:, vacant], wanted[vacant])

    def _predict(self, seen: Seen, running: NDArray[np.intp], free: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """Believed gains of running points, and means and deviations of free ones given those (kriging believer)."""
        features = self.rows.features
        believed = np.empty((len(running), len(self._surrogates)))
        means, deviations = np.empty((2, len(free), len(self._surrogates)))
        for axis, surrogate in enumerate(self._surrogates):
            surrogate.learn(seen.features, seen.gains[:, axis], seen.extra[:, axis])
            if len(running):
                believed[:, axis] = surrogate.predict(features[running])[0]
                surrogate.believe(features[running], believed[:, axis])
            means[:, axis], deviations[:, axis] = surrogate.predict(features[free])
        return believed, means, deviations
