"""Which point to try next: the rule of the known-cost sampler, without any study around it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitsearch.searcher.engine.samplers.attainment import (
    REFERENCE,
    Array,
    attainment,
    budgets,
    expected_dominated,
    expected_improvement,
    within,
)
from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.samplers.rows import Rows
from splitsearch.searcher.engine.samplers.start import corners, widest_gap
from splitsearch.searcher.engine.samplers.surrogate import Surrogate

__all__ = ["Adviser", "Seen"]

_BUDGETS = 2048
_FLOOR = 0.1  # below the worst gain seen, as a share of the range: where the reference of the hypervolume lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What finished trials found, as arrays of one row per trial.

    Attributes:
        costs: (n, k) scaled known objectives.
        features: (n, d).
        gains: (n, m) unknown objectives, turned so that more is better.
        extra: (n,) deviation of gains that are estimates; 0 for measured ones.
        attained: (n,) whether the trial counts as a point of the front: complete, and within all constraints.
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
        seed: of the Sobol sequence and the surrogates.
        startup: trials that fill the space of known costs before anything is modelled.
    """

    def __init__(self, knowledge: Knowledge, seed: int, startup: int) -> None:
        self.rows = Rows(knowledge)
        self.startup = startup
        self._budgets = budgets(self.rows.costs.shape[1], _BUDGETS, seed)
        self._allowed = within(self.rows.costs, self._budgets)
        self._surrogates = [Surrogate(seed) for _ in knowledge.unknown]
        self._seed = seed

    def rank(self, seen: Seen, running: Collection[int], taken: Collection[int], count: int) -> list[int]:
        """The best free points, best first.

        Args:
            seen: what finished trials found.
            running: numbers of points that are being tried.
            taken: numbers of points that were tried or are being tried, whatever came of it.
            count: how many to return at most.
        """
        free = np.setdiff1d(np.arange(len(self.rows)), np.fromiter(taken, dtype=np.intp, count=len(taken)))
        if not len(free):
            return []
        if len(taken) < self.startup or len(seen.gains) < 2:
            return self._start(taken, free, count)
        scores = self._scores(seen, np.fromiter(running, dtype=np.intp, count=len(running)), free)
        return [int(number) for number in free[np.argsort(-scores, kind="stable")[:count]]]

    def _start(self, taken: Collection[int], free: NDArray[np.intp], count: int) -> list[int]:
        chosen: list[int] = []
        available = set(free.tolist())
        for number in corners(self.rows.costs, self.rows.features):
            if number in available and len(chosen) < count:
                chosen.append(number)
        held = [*taken, *chosen]
        while len(chosen) < min(count, len(free)):
            rest = np.setdiff1d(free, chosen)
            number = widest_gap(self.rows.costs, self.rows.features, np.array(held, dtype=np.intp), rest)
            chosen.append(number)
            held.append(number)
        return chosen

    def _scores(self, seen: Seen, running: NDArray[np.intp], free: NDArray[np.intp]) -> Array:
        believed = self._believe(seen, running)
        means, deviations = np.empty((len(free), seen.gains.shape[1])), np.empty((len(free), seen.gains.shape[1]))
        for axis, surrogate in enumerate(self._surrogates):
            surrogate.fit(believed.features, believed.gains[:, axis], believed.extra)
            means[:, axis], deviations[:, axis] = surrogate.predict(self.rows.features[free])
        costs, gains = believed.costs[believed.attained], believed.gains[believed.attained]
        floors = seen.gains.min(axis=0) - _FLOOR * np.ptp(seen.gains, axis=0)
        if seen.gains.shape[1] == 1:
            thresholds = attainment(costs, gains[:, 0], self._budgets, float(floors[0]))
            return expected_improvement(means[:, 0], deviations[:, 0], self._allowed[free], thresholds)
        raise NotImplementedError

    def _believe(self, seen: Seen, running: NDArray[np.intp]) -> Seen:
        return seen
