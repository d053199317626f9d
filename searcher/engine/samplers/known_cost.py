"""The known-cost sampler: for any Optuna study whose points can be listed and most of whose objectives are known.

    points = [{"cut": cut, "channels": channels} for cut in range(12) for channels in (1, 2, 4, 8)]
    knowledge = Knowledge(
        objectives={"accuracy": "maximize", "latency_ms": "minimize"},
        points=points,
        known={"latency_ms": [latency_of(point) for point in points]},
    )
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=KnownCostSampler(knowledge, seed=0))

A trial is asked for all objectives as usual and returns all of them. Its sampler learns from complete trials, and from
pruned ones that carry an estimate: user attributes `<objective>_estimate` and `<objective>_estimate_deviation`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from splitsearch.searcher.engine.samplers.adviser import STARTUP, Adviser
from splitsearch.searcher.engine.samplers.claims import claim, claimed
from splitsearch.searcher.engine.samplers.findings import Findings
from splitsearch.searcher.engine.samplers.knowledge import Knowledge

__all__ = ["KnownCostSampler"]

_RANKED = 32  # points that a suggestion ranks: the best, and those that it gives way to if other workers hold it
_PENDING = (TrialState.RUNNING, TrialState.WAITING)


class KnownCostSampler(optuna.samplers.BaseSampler):
    """Suggests the point of a pool whose trial is expected to add most to the hypervolume of the front.

    Nothing is kept between trials but what can be computed again: any number of processes may share a study. A point
    that was tried, is being tried or waits in the queue is not suggested again, until the whole pool was tried.

    Args:
        knowledge: the pool, and what is known of it.
        seed: same seed and same trials, same suggestion.
        startup: trials that spread over the known costs before anything is modelled.
    """

    def __init__(self, knowledge: Knowledge, *, seed: int = 0, startup: int = STARTUP) -> None:
        self._knowledge = knowledge
        self._adviser = Adviser(knowledge, seed, startup)
        self._findings = Findings(knowledge, self._adviser.rows)
        self._seed = seed

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing: the point is chosen before the first parameter is asked for, whatever its distributions."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing, as `infer_relative_search_space` says."""
        return {}

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Chooses the point and claims it.

        Raises:
            ValueError: the study has other directions than the knowledge.
        """
        self._require_directions(study)
        fixed = trial.system_attrs.get("fixed_params", {})
        if self._findings.place_of(fixed) is not None or set(fixed) >= set(self._knowledge.parameters):
            return  # enqueued
        others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        ranked = self._ranked(others, fixed, trial.number)
        rows = self._adviser.rows
        claim(study, trial, ranked, lambda number: rows.points[number], self._place)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The chosen point's value; a random one for a parameter that the pool does not have.

        Raises:
            ValueError: the distribution does not contain the value.
        """
        chosen = claimed(trial) or {}
        if param_name not in chosen:
            draw = optuna.samplers.RandomSampler(seed=self._seed + trial.number)
            return draw.sample_independent(study, trial, param_name, param_distribution)
        value = chosen[param_name]
        if not param_distribution._contains(param_distribution.to_internal_repr(value)):
            raise ValueError(f"the pool's {param_name} = {value!r} lies outside {param_distribution}")
        return value

    def _ranked(self, others: Sequence[FrozenTrial], fixed: dict[str, Any], number: int) -> list[int]:
        finished = [self._findings.read(trial) for trial in others if trial.state not in _PENDING]
        told = [finding for finding in finished if finding is not None]
        seen = self._findings.stack(told)
        self._adviser.grow([-1 if finding.place is None else finding.place for finding in told], seen)
        pending: set[int] = set()
        taken: set[int] = set()
        for trial in others:
            if (place := self._place(trial)) is not None:
                (pending if trial.state in _PENDING else taken).add(place)
        ranked = self._adviser.rank(seen, pending - taken, taken | pending, self._barred(fixed), _RANKED)
        return ranked or [int(np.random.default_rng((self._seed, number)).integers(len(self._adviser.rows)))]

    def _barred(self, fixed: dict[str, Any]) -> list[int]:
        """Points that contradict parameters that whoever enqueued the trial has fixed."""
        if not fixed:
            return []
        pairs = enumerate(self._adviser.rows.points)
        return [
            place for place, point in pairs if any(point.get(name, value) != value for name, value in fixed.items())
        ]

    def _place(self, trial: FrozenTrial) -> int | None:
        """The point that a trial tries: asked for in full, or claimed, or waiting in the queue."""
        for point in (trial.params, claimed(trial), trial.system_attrs.get("fixed_params")):
            if point and (place := self._findings.place_of(point)) is not None:
                return place
        return None

    def _require_directions(self, study: optuna.Study) -> None:
        wanted = [StudyDirection[direction.upper()] for direction in self._knowledge.objectives.values()]
        if study.directions != wanted:
            raise ValueError(
                f"the study has the directions {[d.name.lower() for d in study.directions]}, "
                f"the knowledge {list(self._knowledge.objectives.values())}"
            )
