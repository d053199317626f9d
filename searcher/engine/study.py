"""The Optuna study of a run, which Optuna Dashboard and plain Optuna scripts open: asked, told, shared by workers."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import Sampler
from splitsearch.searcher.engine.sharing.claims import Decision, Runner, decide
from splitsearch.searcher.engine.sharing.heartbeat import Heartbeat
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import STUDY_NAME, Place, local_place, place_of
from splitsearch.searcher.engine.sharing.storage import connect
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["STUDY_NAME", "RunStudy", "load_study", "open_study", "results_of", "storage_url", "stored_facts"]

_RESULT, _WORKER, _STARTED, _KEY, _REASON = "result", "worker", "started", "key", "reason"
_OURS = "splitsearch"
_DEATHS = 3  # workers that one step of a candidate's training may cost before the candidate is taken for the cause
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def storage_url(run: Path) -> str:
    """The storage that a run folder has of its own."""
    return local_place(run).url


class RunStudy:
    """Asks for points of a space and is told results; every result survives the process.

    Args:
        place: where the study lies, or the run folder that holds it.
        space: what points mean.
        objectives: of the study.
        sampler: proposes points.
        worker: name of this process, unique among all that share the study.
        patience: with a storage that does not answer.

    Raises:
        UserError: the storage cannot be reached, or holds another kind of study under this name.
    """

    def __init__(  # what it is, and who uses it
        self,
        place: Place | Path,
        space: SearchSpace,
        objectives: tuple[Objective, ...],
        sampler: Sampler,
        *,
        worker: str = "",
        patience: Patience | None = None,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.place = local_place(place) if isinstance(place, Path) else place
        self.space = space
        self.objectives = objectives
        self.worker = worker
        self.patience = patience or Patience()
        self._distributions: dict[str, BaseDistribution] = {
            name: IntDistribution(*bounds) for name, bounds in space.ranges.items()
        }
        self._read: dict[int, TrialResult] = {}
        self._claimed = -1
        self._silent: dict[int, Stopwatch] = {}
        self._study = self._open(sampler)

    def _open(self, sampler: Sampler) -> optuna.Study:
        storage = connect(self.place, self.patience, self._retry)
        directions = [objective.direction for objective in self.objectives]
        study = self.patience(
            lambda: optuna.create_study(
                study_name=self.place.study,
                storage=storage,
                directions=directions,
                sampler=sampler,
                load_if_exists=True,
            )
        )
        _require_ours(study, self.place, directions)
        self.patience(lambda: study.set_user_attr(_OURS, {"schema": 1}))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.patience(lambda: study.set_metric_names([objective.name for objective in self.objectives]))
        return study

    @property
    def optuna_study(self) -> optuna.Study:
        """What plain Optuna would open."""
        return self._study

    def describe(self, facts: dict[str, Any]) -> None:
        """Keeps facts of the run as attributes of the study, where the dashboard shows them."""
        for name, value in facts.items():
            self.patience(lambda name=name, value=value: self._study.set_user_attr(name, value))  # type: ignore[misc]

    @property
    def facts(self) -> dict[str, Any]:
        """What `describe` kept."""
        return self.patience(lambda: dict(self._study.user_attrs))

    def results(self) -> list[TrialResult]:
        """All finished trials, in order."""
        return self._results(self._trials(*_FINISHED))

    def _results(self, trials: Sequence[FrozenTrial]) -> list[TrialResult]:
        for trial in trials:
            if trial.number not in self._read and _is_told(trial):
                self._read[trial.number] = replace(_result(trial), trial=trial.number)
        return [self._read[number] for number in sorted(self._read)]

    def running(self) -> list[Runner]:
        """All running trials as others see them."""
        return [self._runner(trial) for trial in self._trials(TrialState.RUNNING)]

    def recover(self) -> list[dict[str, int]]:
        """Closes trials that a killed process left running; returns their points, to be asked first.

        For a study that this process has for itself; where several share it, `reap` does it in time.
        """
        lost = []
        for trial in self._trials(TrialState.RUNNING):
            if _RESULT in trial.user_attrs:  # the kill came between the result and the state
                self.tell_late(_result(trial))
                continue
            self._close(trial.number, "interrupted")
            lost.append(_point(trial))
        return [point for point in lost if set(point) == set(self._distributions)]

    def release(self, worker: str) -> None:
        """Closes what a worker that has died left running, and has it asked again first."""
        for trial in self._trials(TrialState.RUNNING):
            if trial.user_attrs.get(_WORKER) == [trial.number, worker] and self._close(trial.number, "worker died"):
                self._retry(self._study, self.patience(lambda t=trial: self._stored(t)))  # type: ignore[misc]

    def reap(self) -> None:
        """Closes trials whose workers fell silent, has them asked again, and asks for what was lost on the way.

        Not before this process has had an answering storage for the whole grace: after an outage all are silent.
        """
        if self.place.kind == "sqlite":
            return
        if self.patience.calm.seconds > self.place.grace_seconds:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self.patience(lambda: fail_stale_trials(self._study))
        self._close_unsigned()
        self._enqueue_orphans()

    def enqueue(self, point: dict[str, int], *, again: bool = False) -> None:
        """Puts a point in front of the sampler's suggestions; one that was ever asked only if `again` says so."""
        self.patience(lambda: self._study.enqueue_trial(point, skip_if_exists=not again))

    def ask(self) -> tuple[Trial, dict[str, int]]:
        """A new trial and its point."""

        def asked() -> Trial:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Optuna's, that beats want its own loop: `training` beats
                return self._study.ask(self._distributions)

        trial = self.patience(asked)
        return trial, {name: int(value) for name, value in trial.params.items()}

    @contextlib.contextmanager
    def training(self, trial: Trial) -> Iterator[None]:
        """Signs the trial, and shows that its worker lives, until it is left."""
        beat = Heartbeat(self._study._storage, trial._trial_id, self.patience)
        self.patience(beat.__enter__)
        try:
            self.patience(lambda: trial.set_user_attr(_WORKER, [trial.number, self.worker]))
            yield
        finally:
            beat.__exit__(None, None, None)

    def claim(self, trial: Trial, key: str, free: Callable[[Sequence[TrialResult]], int]) -> Decision:
        """Whether this worker trains the candidate of its trial now, later or not at all.

        Args:
            trial: that was asked.
            key: of its candidate.
            free: trainings that the budget still allows, given all results; those that run count against them.
        """
        if trial.number != self._claimed:
            self.patience(lambda: trial.set_user_attr(_KEY, key))
            self._claimed = trial.number
        seen = self._trials()  # one reading: whoever has finished by it has its result in it
        others = [self._runner(t) for t in seen if t.state == TrialState.RUNNING and t.number != trial.number]
        decision = decide(trial.number, key, others, free(self._results(seen)))
        if decision.verb == "start":
            self.patience(lambda: trial.set_user_attr(_STARTED, trial.number))
        return decision

    def note(self, trial: Trial, name: str, value: Any, seconds: float = 5.0) -> None:
        """Keeps something about a trial that runs.

        Raises:
            StorageError: the storage is away.
        """
        self.patience(lambda: trial.set_user_attr(name, value), seconds)

    def notes(self, key: str, name: str) -> list[Any]:
        """What unfinished attempts at a candidate noted under a name, the latest last."""
        tried = [t for t in self._trials() if t.user_attrs.get(_KEY) == key and not _is_told(t)]
        return [trial.user_attrs[name] for trial in tried if name in trial.user_attrs]

    def attribute(self, number: int, name: str) -> Any:
        """What was noted of a trial under a name; None if nothing was."""
        return next((t.user_attrs.get(name) for t in self._trials() if t.number == number), None)

    def tell(self, trial: Trial, result: TrialResult) -> None:
        """Files a result: values only if complete, the rest as attributes that the dashboard shows.

        Raises:
            StorageError: the storage is away.
        """
        # A worker that came back may have told the same candidate's late result while this one trained it again.
        twin = next((known for known in self.results() if _is_twin(known, result)), None)
        own = result if twin is None else replace(result, repeat_of=twin.trial)
        self.patience(lambda: self._tell(trial.number, own))

    def tell_late(self, result: TrialResult) -> None:
        """Files a result that was kept elsewhere: in its trial if that still runs, else in one of its own."""
        self.patience(lambda: self._tell(result.trial, result))

    def add(self, result: TrialResult, point: dict[str, int]) -> None:
        """Files a result that no trial was asked for; its number is the storage's to give."""
        self.patience(lambda: self._add(result, point))

    def abandon(self, trial: Trial, reason: str = "interrupted", *, again: bool = True) -> None:
        """Closes a trial without a result.

        Args:
            trial: that was asked.
            reason: why.
            again: whether its point is asked again first when the run goes on.
        """
        self._close(trial.number, reason)
        if again:
            self.enqueue({name: int(value) for name, value in trial.params.items()}, again=True)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.patience(lambda: self._study.get_trials(deepcopy=False, states=states or None))

    def _stored(self, trial: FrozenTrial) -> FrozenTrial:
        return self._study._storage.get_trial(trial._trial_id)

    def _runner(self, trial: FrozenTrial) -> Runner:
        known = set(trial.params) == set(self._distributions)
        return Runner(
            number=trial.number,
            key=self.space.at(_point(trial)).key if known else None,
            # A trial that is tried again inherits the attributes of the first attempt, whose number is another.
            started=trial.user_attrs.get(_STARTED) == trial.number,
        )

    def _close(self, number: int, reason: str) -> bool:
        """Whether it was this process that closed it."""

        def closed() -> bool:
            trial = self._study._storage.get_trial(self._id(number))
            if trial.state != TrialState.RUNNING:
                return False
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
                self._study._storage.set_trial_user_attr(trial._trial_id, _REASON, reason)
                return bool(self._study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL))
            return False

        return self.patience(closed)

    def _id(self, number: int) -> int:
        return self._study._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)

    def _retry(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Has a trial asked again whose worker died, unless it seems to be the cause."""
        if set(trial.params) != set(self._distributions):
            return
        if _RESULT in trial.user_attrs:  # the worker died between the result and the state
            self._add(_result(trial), _point(trial), trial.user_attrs)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            again = RetryHeartbeatStaleTrialCallback()
        if self._deaths(trial) < _DEATHS:
            again(study, trial)
            return
        config = self.space.at(_point(trial))
        reason = f"{_DEATHS} workers died while they trained it"
        blank = {"trial": trial.number, "state": "failed", "key": config.key, "config": config.to_json()}
        self._add(TrialResult.from_json(blank | {"reason": reason}), _point(trial))

    def _deaths(self, trial: FrozenTrial) -> int:
        """How many workers died in the step of training that this trial died in."""
        point, step = _point(trial), len(trial.user_attrs.get("curve", ()))
        return sum(
            _point(other) == point
            and not _is_told(other)
            and other.user_attrs.get(_STARTED) == other.number
            and len(other.user_attrs.get("curve", ())) == step
            for other in self._study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        )

    def _close_unsigned(self) -> None:
        """A worker killed between asking and its first beat is missed by Optuna; this process sees its trial stand."""
        standing = {t.number for t in self._trials(TrialState.RUNNING) if not _signed(t)}
        self._silent = {number: self._silent.get(number, Stopwatch()) for number in standing}
        for number, watch in self._silent.items():
            if watch.seconds > self.place.grace_seconds:
                self._close(number, "worker died")

    def _enqueue_orphans(self) -> None:
        """A worker killed between closing a trial and having it asked again leaves nobody who would ask."""
        trials = self._trials()
        cared_for = {_identity(t) for t in trials if _is_told(t) or not t.state.is_finished()}
        orphans = {
            _identity(t): t for t in trials if t.state == TrialState.FAIL and _died(t) and _identity(t) not in cared_for
        }
        for trial in orphans.values():
            if set(trial.params) == set(self._distributions):
                self.patience(lambda t=trial: self._retry(self._study, t))  # type: ignore[misc]

    def _tell(self, number: int, result: TrialResult) -> None:
        storage, trial_id = self._study._storage, self._id(number)
        trial = storage.get_trial(trial_id)
        if trial.state.is_finished():
            # Told before the storage broke off, or taken for dead meanwhile, and perhaps with another by now.
            if not _is_told(trial) and not self._known(result):
                self._add(result, self.space.point(SplitConfig.from_json(result.config)), trial.user_attrs)
            return
        values = [result.values[o.name] for o in self.objectives] if result.state == "complete" else None
        try:
            for name, value in _attributes(result).items():
                storage.set_trial_user_attr(trial_id, name, value)
            self._study.tell(number, values, state=_STATES[result.state])
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
            if not storage.get_trial(trial_id).state.is_finished():
                raise
            self._tell(number, result)  # taken for dead at this very moment

    def _known(self, result: TrialResult) -> bool:
        return any(known.key == result.key and known.state == result.state for known in self.results())

    def _add(self, result: TrialResult, point: dict[str, int], attributes: dict[str, Any] | None = None) -> None:
        self._study.add_trial(
            create_trial(
                state=_STATES[result.state],
                params=dict(point),
                distributions=self._distributions,
                values=[result.values[o.name] for o in self.objectives] if result.state == "complete" else None,
                user_attrs=(attributes or {}) | _attributes(result),
            )
        )


_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


def _require_ours(study: optuna.Study, place: Place, directions: Sequence[str]) -> None:
    """Refuses a study that somebody else made under this name."""
    facts = study.user_attrs
    if _OURS not in facts and "reference_point" not in facts and study.get_trials(deepcopy=False):
        raise UserError(f"the study '{place.study}' in {place.shown} is none of splitsearch's: choose another --study")
    found = [direction.name.lower() for direction in study.directions]
    if found != list(directions):
        raise UserError(
            f"the study '{place.study}' in {place.shown} has the directions {', '.join(found)}, this run "
            f"{', '.join(directions)}: choose another --study"
        )


def _result(trial: FrozenTrial) -> TrialResult:
    return TrialResult.from_json(trial.user_attrs[_RESULT])


def _is_told(trial: FrozenTrial) -> bool:
    """Whether the trial ended with its result: a worker may die between writing the result and the state."""
    return _RESULT in trial.user_attrs and trial.state == _STATES[trial.user_attrs[_RESULT]["state"]]


def _is_twin(known: TrialResult, result: TrialResult) -> bool:
    """Whether both are trainings of one candidate, and not one that was known."""
    return known.key == result.key and known.state == result.state == "complete" and result.repeat_of is None


def _signed(trial: FrozenTrial) -> bool:
    mark = trial.user_attrs.get(_WORKER)
    return mark is not None and bool(mark[0] == trial.number)


def _died(trial: FrozenTrial) -> bool:
    """Whether the trial ended with its worker: Optuna gives no reason, and we give this one."""
    return not _is_told(trial) and trial.user_attrs.get(_REASON, "worker died") == "worker died"


def _identity(trial: FrozenTrial) -> tuple[tuple[str, int], ...]:
    wished = trial.system_attrs.get("fixed_params", {}) if trial.state == TrialState.WAITING else {}
    return tuple(sorted(({k: int(v) for k, v in wished.items()} | _point(trial)).items()))


def _point(trial: FrozenTrial) -> dict[str, int]:
    return {name: int(value) for name, value in trial.params.items()}


def _attributes(result: TrialResult) -> dict[str, Any]:
    data = result.to_json()
    shown = {
        "candidate": str(SplitConfig.from_json(result.config)),
        _KEY: result.key,
        "seconds": result.seconds,
        "profile": {name: data[name] for name in ("latency", "macs", "parameters")},
        "curve": result.curve,
    }
    if result.reason:
        shown[_REASON] = result.reason
    if result.estimate:  # as samplers read it
        shown["accuracy_estimate"] = result.estimate["accuracy"]
        shown["accuracy_estimate_deviation"] = result.estimate["deviation"]
    return shown | {_RESULT: data}  # the last to be written: a trial that has it has all


def load_study(place: Place) -> optuna.Study:
    """Opens the study of a place for reading.

    Raises:
        UserError: it cannot be reached, or is not there.
    """
    storage = connect(place, Patience(seconds=10.0))
    try:
        return optuna.load_study(study_name=place.study, storage=storage)
    except KeyError as error:
        raise UserError(f"{place.shown} holds no study '{place.study}': start it with `splitsearch run`") from error


def results_of(study: optuna.Study) -> list[TrialResult]:
    """All finished trials of a study, in order."""
    told = [trial for trial in study.get_trials(deepcopy=False) if trial.state in _FINISHED and _is_told(trial)]
    return [replace(_result(trial), trial=trial.number) for trial in told]


def stored_facts(run: Path, place: Place | None = None) -> dict[str, Any]:
    """What a former part of a run described; empty before its first."""
    if place is None or place.kind == "sqlite":
        if not (run / "study.db").is_file():
            return {}
        place = local_place(run)
    storage = connect(place, Patience(seconds=30.0))
    try:
        return dict(optuna.load_study(study_name=place.study, storage=storage).user_attrs)
    except KeyError:  # the file was made, and a kill came before the study
        return {}


def open_study(run: Path) -> optuna.Study:
    """Opens the study of a run folder for reading.

    Raises:
        UserError: the folder holds no study.
    """
    return load_study(place_of(run))
