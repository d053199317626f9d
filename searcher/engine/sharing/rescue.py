"""What workers that died left behind: their trials are closed, asked again from their last rung, and none is forgotten.

Optuna closes a trial whose beats stopped and has it asked again. Killed at the wrong moment, a worker leaves what
Optuna misses: a trial without a beat, a closed one that nobody asks again, one asked again twice.
"""

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.filing import (
    CURVE,
    REASON,
    RESULT,
    STARTED,
    WORKER,
    filed,
    is_told,
    point_of,
    result_of,
)
from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["Rescue"]

_DIED = "worker died"
_DEATHS = 3  # workers that one step of a candidate's training may cost before the candidate is taken for the cause


class Rescue:
    """Looks after the trials of a study that nobody works on any more.

    Args:
        study: shared by workers.
        place: of the study.
        patience: with its storage.
        space: what points mean.
        distributions: of the study.
        objectives: of the study.
    """

    def __init__(
        self,
        study: optuna.Study,
        place: Place,
        patience: Patience,
        space: SearchSpace,
        distributions: Mapping[str, BaseDistribution],
        objectives: tuple[Objective, ...],
    ) -> None:
        self._study, self._place, self._patience = study, place, patience
        self._space, self._distributions, self._objectives = space, dict(distributions), objectives
        self._silent: dict[int, Stopwatch] = {}

    def release(self, worker: str) -> None:
        """Closes what a worker that has died left running, and has it asked again first."""
        storage = self._study._storage
        for trial in self._trials(TrialState.RUNNING):
            if trial.user_attrs.get(WORKER) == [trial.number, worker] and self.close(trial.number, _DIED):
                number = trial._trial_id
                self.retry(self._patience(lambda number=number: storage.get_trial(number)))  # type: ignore[misc]

    def reap(self) -> None:
        """Closes trials whose workers fell silent, has them asked again, and asks for what was lost on the way.

        Not before this process has had an answering storage for the whole grace: after an outage all are silent.
        """
        if self._place.kind == "sqlite":
            return
        if self._patience.calm.seconds > self._place.grace_seconds:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self._patience(lambda: fail_stale_trials(self._study))
        self._close_unsigned()
        self._enqueue_orphans()

    def withdraw(self) -> None:
        """Closes what waits to be asked again and is not wanted, as the search is over.

        Its candidate is known by now (two workers may have asked for the same orphan), or the budget went to others
        while its worker's silence was waited out. The latter is asked for again if the run is continued.
        """
        if self._place.kind == "sqlite":
            return
        trials = self._trials()
        known = {_identity(trial) for trial in trials if is_told(trial)}
        for trial in trials:
            again = "failed_trial" in trial.system_attrs or _identity(trial) in known
            if trial.state == TrialState.WAITING and again:
                self._patience(lambda t=trial: self._withdraw(t._trial_id))  # type: ignore[misc]

    def close(self, number: int, reason: str) -> bool:
        """Closes a trial that runs, without a result; whether it was this process that closed it."""

        def closed() -> bool:
            storage = self._study._storage
            trial = storage.get_trial(storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number))
            if trial.state != TrialState.RUNNING:
                return False
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
                storage.set_trial_user_attr(trial._trial_id, REASON, reason)
                return bool(storage.set_trial_state_values(trial._trial_id, TrialState.FAIL))
            return False

        return self._patience(closed)

    def retry(self, trial: FrozenTrial) -> None:
        """Has a trial asked again whose worker died, unless it seems to be the cause."""
        if not self._is_ours(trial):
            return
        if RESULT in trial.user_attrs:  # the worker died between the result and the state
            self._file(result_of(trial), trial, trial.user_attrs)
        elif self._deaths(trial) < _DEATHS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                RetryHeartbeatStaleTrialCallback()(self._study, trial)
        else:
            self._file(self._blamed(trial), trial)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self._patience(lambda: self._study.get_trials(deepcopy=False, states=states or None))

    def _is_ours(self, trial: FrozenTrial) -> bool:
        return set(trial.params) == set(self._distributions)

    def _withdraw(self, trial_id: int) -> None:
        storage = self._study._storage
        if storage.set_trial_state_values(trial_id, TrialState.RUNNING):  # False: another asked for it just now
            storage.set_trial_user_attr(trial_id, REASON, _DIED)
            storage.set_trial_state_values(trial_id, TrialState.FAIL)

    def _file(self, result: TrialResult, trial: FrozenTrial, attributes: Mapping[str, Any] | None = None) -> None:
        self._study.add_trial(filed(result, point_of(trial), self._distributions, self._objectives, attributes))

    def _blamed(self, trial: FrozenTrial) -> TrialResult:
        config = self._space.at(point_of(trial))
        reason = f"{_DEATHS} workers died while they trained it"
        blank = {"trial": trial.number, "state": "failed", "key": config.key, "config": config.to_json()}
        return TrialResult.from_json(blank | {"reason": reason})

    def _deaths(self, trial: FrozenTrial) -> int:
        """How many workers died in the step of training that this trial died in."""
        point, step = point_of(trial), len(trial.user_attrs.get(CURVE, ()))
        return sum(
            point_of(other) == point
            and not is_told(other)
            and other.user_attrs.get(STARTED) == other.number
            and len(other.user_attrs.get(CURVE, ())) == step
            for other in self._study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        )

    def _close_unsigned(self) -> None:
        """A worker killed between asking and its first beat is missed by Optuna; this process sees its trial stand."""
        standing = {t.number for t in self._trials(TrialState.RUNNING) if not _signed(t)}
        self._silent = {number: self._silent.get(number, Stopwatch()) for number in standing}
        for number, watch in self._silent.items():
            if watch.seconds > self._place.grace_seconds:
                self.close(number, _DIED)

    def _enqueue_orphans(self) -> None:
        """A worker killed between closing a trial and having it asked again leaves nobody who would ask."""
        trials = self._trials()
        cared_for = {_identity(t) for t in trials if is_told(t) or not t.state.is_finished()}
        orphans = {
            _identity(t): t for t in trials if t.state == TrialState.FAIL and _died(t) and _identity(t) not in cared_for
        }
        for trial in orphans.values():
            self._patience(lambda t=trial: self.retry(t))  # type: ignore[misc]


def _signed(trial: FrozenTrial) -> bool:
    mark = trial.user_attrs.get(WORKER)
    return mark is not None and bool(mark[0] == trial.number)


def _died(trial: FrozenTrial) -> bool:
    """Whether the trial ended with its worker: Optuna gives no reason, and we give this one."""
    return not is_told(trial) and trial.user_attrs.get(REASON, _DIED) == _DIED


def _identity(trial: FrozenTrial) -> tuple[tuple[str, int], ...]:
    """The point of a trial, one that waits included."""
    wished = trial.system_attrs.get("fixed_params", {}) if trial.state == TrialState.WAITING else {}
    return tuple(sorted(({k: int(v) for k, v in wished.items()} | point_of(trial)).items()))
