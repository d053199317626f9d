"""How a result stands in an Optuna trial: values, attributes that the dashboard shows, and how it is read back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig

__all__ = [
    "CURVE",
    "FINISHED",
    "KEY",
    "REASON",
    "RESULT",
    "STARTED",
    "STATES",
    "WORKER",
    "attributes_of",
    "filed",
    "is_told",
    "point_of",
    "result_of",
    "results_of",
    "values_of",
]

RESULT, CURVE, KEY, REASON = "result", "curve", "key", "reason"
"""Attributes of a trial: its result, its curve so far, its candidate, why it ended as it did."""

WORKER, STARTED = "worker", "started"
"""Attributes that a running trial is signed with, each with the trial's own number: one that is tried again inherits
the attributes of the first attempt, whose number is another."""

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
FINISHED = tuple(STATES.values())


def point_of(trial: FrozenTrial) -> dict[str, int]:
    """The point of the space that a trial was asked for."""
    return {name: int(value) for name, value in trial.params.items()}


def result_of(trial: FrozenTrial) -> TrialResult:
    """The result of a trial that has one."""
    return TrialResult.from_json(trial.user_attrs[RESULT])


def is_told(trial: FrozenTrial) -> bool:
    """Whether the trial ended with its result: a worker may die between writing the result and the state."""
    return RESULT in trial.user_attrs and trial.state == STATES[trial.user_attrs[RESULT]["state"]]


def results_of(study: optuna.Study) -> list[TrialResult]:
    """All finished trials of a study, in order."""
    told = [trial for trial in study.get_trials(deepcopy=False, states=FINISHED) if is_told(trial)]
    return [replace(result_of(trial), trial=trial.number) for trial in told]


def values_of(result: TrialResult, objectives: Sequence[Objective]) -> list[float] | None:
    """What the study is told of a result: its objectives if it is complete, else nothing."""
    return [result.values[o.name] for o in objectives] if result.state == "complete" else None


def attributes_of(result: TrialResult) -> dict[str, Any]:
    """What stands beside the values, in the order in which it is written."""
    data = result.to_json()
    shown = {
        "candidate": str(SplitConfig.from_json(result.config)),
        KEY: result.key,
        "seconds": result.seconds,
        "profile": {name: data[name] for name in ("latency", "macs", "parameters")},
        CURVE: result.curve,
    }
    if result.reason:
        shown[REASON] = result.reason
    if result.estimate:  # as samplers read it
        shown["accuracy_estimate"] = result.estimate["accuracy"]
        shown["accuracy_estimate_deviation"] = result.estimate["deviation"]
    return shown | {RESULT: data}  # the last to be written: a trial that has it has all


def filed(
    result: TrialResult,
    point: Mapping[str, int],
    distributions: dict[str, BaseDistribution],
    objectives: Sequence[Objective],
    attributes: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """A finished trial that nobody was asked for.

    Args:
        result: that it holds.
        point: of its candidate.
        distributions: of the study.
        objectives: of the study.
        attributes: that it inherits from an attempt at the same candidate.
    """
    return create_trial(
        state=STATES[result.state],
        params=dict(point),
        distributions=distributions,
        values=values_of(result, objectives),
        user_attrs=dict(attributes or {}) | attributes_of(result),
    )
