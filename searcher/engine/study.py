"""The Optuna study of a run, which Optuna Dashboard and plain Optuna scripts open: asked, told, shared by workers."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from splitsearch.searcher.engine.filing import (
    FINISHED,
    KEY,
    RESULT,
    STARTED,
    STATES,
    WORKER,
    attributes_of,
    filed,
    is_told,
    point_of,
    result_of,
    values_of,
)
from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import Sampler
from splitsearch.searcher.engine.sharing.claims import Decision, Runner, decide
from splitsearch.searcher.engine.sharing.heartbeat import Heartbeat
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place, local_place
from splitsearch.searcher.engine.sharing.rescue import Rescue
from splitsearch.searcher.engine.sharing.storage import connect
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["RunStudy"]

_OURS = "splitsearch"


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
        self._study = self._open(sampler)
        self._rescue = Rescue(self._study, self.place, self.patience, self.space, self._distributions, self.objectives)

    def _open(self, sampler: Sampler) -> optuna.Study:
        storage = connect(self.place, self.patience, lambda _, trial: self._rescue.retry(trial))
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
        return self._results(self._trials(*FINISHED))

    def _results(self, trials: Sequence[FrozenTrial]) -> list[TrialResult]:
        for trial in trials:
            if trial.number not in self._read and is_told(trial):
                self._read[trial.number] = replace(result_of(trial), trial=trial.number)
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
            if RESULT in trial.user_attrs:  # the kill came between the result and the state
                self.tell_late(result_of(trial))
                continue
            self._rescue.close(trial.number, "interrupted")
            lost.append(point_of(trial))
        return [point for point in lost if set(point) == set(self._distributions)]

    def release(self, worker: str) -> None:
        """Closes what a worker that has died left running, and has it asked again first."""
        self._rescue.release(worker)

    def reap(self) -> None:
        """Closes trials whose workers fell silent, and has them asked again; before each look at what others do."""
        self._rescue.reap()

    def withdraw(self) -> None:
        """Closes what waits to be asked again, as the search is over."""
        self._rescue.withdraw()

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
            self.patience(lambda: trial.set_user_attr(WORKER, [trial.number, self.worker]))
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
            self.patience(lambda: trial.set_user_attr(KEY, key))
            self._claimed = trial.number
        seen = self._trials()  # one reading: whoever has finished by it has its result in it
        others = [self._runner(t) for t in seen if t.state == TrialState.RUNNING and t.number != trial.number]
        decision = decide(trial.number, key, others, free(self._results(seen)))
        if decision.verb == "start":
            self.patience(lambda: trial.set_user_attr(STARTED, trial.number))
        return decision

    def note(self, trial: Trial, name: str, value: Any, seconds: float = 5.0) -> None:
        """Keeps something about a trial that runs.

        Raises:
            StorageError: the storage is away.
        """
        self.patience(lambda: trial.set_user_attr(name, value), seconds)

    def notes(self, key: str, name: str) -> list[Any]:
        """What unfinished attempts at a candidate noted under a name, the latest last."""
        tried = [t for t in self._trials() if t.user_attrs.get(KEY) == key and not is_told(t)]
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
        self._rescue.close(trial.number, reason)
        if again:
            self.enqueue({name: int(value) for name, value in trial.params.items()}, again=True)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.patience(lambda: self._study.get_trials(deepcopy=False, states=states or None))

    def _runner(self, trial: FrozenTrial) -> Runner:
        known = set(trial.params) == set(self._distributions)
        return Runner(
            number=trial.number,
            key=self.space.at(point_of(trial)).key if known else None,
            # A trial that is tried again inherits the attributes of the first attempt, whose number is another.
            started=trial.user_attrs.get(STARTED) == trial.number,
        )

    def _id(self, number: int) -> int:
        return self._study._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)

    def _tell(self, number: int, result: TrialResult) -> None:
        storage, trial_id = self._study._storage, self._id(number)
        trial = storage.get_trial(trial_id)
        if trial.state.is_finished():
            # Told before the storage broke off, or taken for dead meanwhile, and perhaps with another by now.
            if not is_told(trial) and not self._known(result):
                self._add(result, self.space.point(SplitConfig.from_json(result.config)), trial.user_attrs)
            return
        values = values_of(result, self.objectives)
        try:
            for name, value in attributes_of(result).items():
                storage.set_trial_user_attr(trial_id, name, value)
            self._study.tell(number, values, state=STATES[result.state])
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
            if not storage.get_trial(trial_id).state.is_finished():
                raise
            self._tell(number, result)  # taken for dead at this very moment

    def _known(self, result: TrialResult) -> bool:
        return any(known.key == result.key and known.state == result.state for known in self.results())

    def _add(self, result: TrialResult, point: dict[str, int], attributes: dict[str, Any] | None = None) -> None:
        self._study.add_trial(filed(result, point, self._distributions, self.objectives, attributes))


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


def _is_twin(known: TrialResult, result: TrialResult) -> bool:
    """Whether both are trainings of one candidate, and not one that was known."""
    return known.key == result.key and known.state == result.state == "complete" and result.repeat_of is None
