"""The Optuna study of a run: one SQLite file that Optuna Dashboard and plain Optuna scripts open."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import Sampler
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["STUDY_NAME", "RunStudy", "open_study", "storage_url", "stored_facts"]

STUDY_NAME = "splitsearch"
_RESULT = "result"


def storage_url(run: Path) -> str:
    """The storage of a run folder."""
    return f"sqlite:///{(run / 'study.db').resolve()}"


class RunStudy:
    """Asks for points of a space and is told results; every result survives the process."""

    def __init__(self, run: Path, space: SearchSpace, objectives: tuple[Objective, ...], sampler: Sampler) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space = space
        self.objectives = objectives
        self._distributions: dict[str, BaseDistribution] = {
            name: IntDistribution(*bounds) for name, bounds in space.ranges.items()
        }
        self._study = optuna.create_study(
            study_name=STUDY_NAME,
            storage=storage_url(run),
            directions=[objective.direction for objective in objectives],
            sampler=sampler,
            load_if_exists=True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.set_metric_names([objective.name for objective in objectives])

    def describe(self, facts: dict[str, Any]) -> None:
        """Keeps facts of the run as attributes of the study, where the dashboard shows them."""
        for name, value in facts.items():
            self._study.set_user_attr(name, value)

    @property
    def facts(self) -> dict[str, Any]:
        """What `describe` kept."""
        return dict(self._study.user_attrs)

    def results(self) -> list[TrialResult]:
        """All finished trials, in order."""
        finished = self._study.get_trials(
            deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        )
        return [TrialResult.from_json(trial.user_attrs[_RESULT]) for trial in finished if _RESULT in trial.user_attrs]

    def recover(self) -> list[dict[str, int]]:
        """Closes trials that a killed process left running; returns their points, to be asked first."""
        lost = []
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
            lost.append(_point(trial))
        return [point for point in lost if set(point) == set(self._distributions)]

    def enqueue(self, point: dict[str, int], *, again: bool = False) -> None:
        """Puts a point in front of the sampler's suggestions; one that was ever asked only if `again` says so."""
        self._study.enqueue_trial(point, skip_if_exists=not again)

    def ask(self) -> tuple[Trial, dict[str, int]]:
        """A new trial and its point."""
        trial = self._study.ask(self._distributions)
        return trial, {name: int(value) for name, value in trial.params.items()}

    def tell(self, trial: Trial, result: TrialResult) -> None:
        """Files a result: values only if complete, the rest as attributes that the dashboard shows."""
        for name, value in _attributes(result).items():
            trial.set_user_attr(name, value)
        if result.state == "complete":
            self._study.tell(trial, [result.values[objective.name] for objective in self.objectives])
        else:
            self._study.tell(trial, state=TrialState.PRUNED if result.state == "pruned" else TrialState.FAIL)

    def add(self, result: TrialResult, point: dict[str, int]) -> TrialResult:
        """Files a result that came with another candidate's training; returns it with a number of its own."""
        numbered = replace(result, trial=len(self._study.get_trials(deepcopy=False)))
        complete = numbered.state == "complete"
        trial = optuna.trial.create_trial(
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            params=point,
            distributions=self._distributions,
            values=[numbered.values[objective.name] for objective in self.objectives] if complete else None,
            user_attrs=_attributes(numbered),
        )
        self._study.add_trial(trial)
        return numbered

    def abandon(self, trial: Trial) -> None:
        """Closes a trial that was interrupted, and asks its point again first when the run goes on."""
        trial.set_user_attr("reason", "interrupted")
        self._study.tell(trial, state=TrialState.FAIL)
        self.enqueue({name: int(value) for name, value in trial.params.items()}, again=True)


def _point(trial: FrozenTrial) -> dict[str, int]:
    return {name: int(value) for name, value in trial.params.items()}


def _attributes(result: TrialResult) -> dict[str, Any]:
    data = result.to_json()
    shown = {
        "candidate": str(SplitConfig.from_json(result.config)),
        "key": result.key,
        "seconds": result.seconds,
        _RESULT: data,
    }
    if result.reason:
        shown["reason"] = result.reason
    return shown


def stored_facts(run: Path) -> dict[str, Any]:
    """What a former part of a run described; empty before its first."""
    if not (run / "study.db").is_file():
        return {}
    try:
        return dict(optuna.load_study(study_name=STUDY_NAME, storage=storage_url(run)).user_attrs)
    except KeyError:  # the file was made, and a kill came before the study
        return {}


def open_study(run: Path) -> optuna.Study:
    """Opens the study of a run folder for reading.

    Raises:
        UserError: the folder holds no study.
    """
    if not (run / "study.db").is_file():
        raise UserError(f"'{run}' is no run folder: it has no study.db")
    return optuna.load_study(study_name=STUDY_NAME, storage=storage_url(run))
