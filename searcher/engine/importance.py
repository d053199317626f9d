"""How much each axis matters to each objective, by Optuna's PED-ANOVA over the finished candidates of a run."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.premises import matters

__all__ = ["FEWEST", "axis_importances"]

FEWEST = 10
"""Trained candidates below which a share of importance would say more about chance than about the axis."""

_BEST = 0.1  # share of the candidates that count as good
_FEWEST_BEST = 5  # below which the method is unsteady, as its documentation says

_CONSTANT = ("backbone", "image_size")


def axis_importances(trials: Sequence[TrialResult], objectives: Sequence[Objective]) -> dict[str, dict[str, float]]:
    """Axis to objective to share of importance; the shares of one objective add up to 1, or are all 0.

    PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023) compares, axis by axis, where the best tenth of the candidates
    (five at least) lies with where all of them lie. It speaks of what was tried: a sampler that avoids a value tells
    little of it.

    Args:
        trials: complete, each candidate once.
        objectives: of the run.

    Returns:
        Axes that took more than one value; empty below `FEWEST` trials.
    """
    if len(trials) < FEWEST:
        return {}
    points = [_point(trial) for trial in trials]
    choices = {
        name: CategoricalDistribution(tuple(values))
        for name in dict.fromkeys(name for point in points for name in point)
        if len(values := dict.fromkeys(point[name] for point in points if name in point)) > 1
    }
    if not choices:
        return {}
    study = _study(trials, points, choices, objectives)
    table: dict[str, dict[str, float]] = {name: {} for name in choices}
    for k, objective in enumerate(objectives):
        shares = _shares(study, k, -1.0 if objective.direction == "maximize" else 1.0)
        for name in choices:
            table[name][objective.name] = shares.get(name, 0.0)
    return table


def _point(trial: TrialResult) -> dict[str, Any]:
    """The fields of a configuration that say anything, defaults written out."""
    config = SplitConfig.from_json(
        {k: v for k, v in trial.config.items() if k in {f.name for f in fields(SplitConfig)}}
    )
    names = [f.name for f in fields(SplitConfig) if f.name not in _CONSTANT]
    return {name: getattr(config, name) for name in names if matters(name, lambda field: getattr(config, field))}


def _study(
    trials: Sequence[TrialResult],
    points: Sequence[dict[str, Any]],
    choices: Mapping[str, BaseDistribution],
    objectives: Sequence[Objective],
) -> optuna.Study:
    """A study in memory with plain values in place of the grid's integers: it needs no storage and no repeats."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(directions=[objective.direction for objective in objectives])
    finally:
        optuna.logging.set_verbosity(verbosity)
    for trial, point in zip(trials, points, strict=True):
        known = {name: value for name, value in point.items() if name in choices}
        study.add_trial(
            optuna.trial.create_trial(
                params=known,
                distributions={name: choices[name] for name in known},
                values=[trial.values[objective.name] for objective in objectives],
            )
        )
    return study


def _shares(study: optuna.Study, k: int, sign: float) -> dict[str, float]:
    """Of one objective; the evaluator takes less for better, so what is maximised changes its sign."""
    quantile = max(_BEST, _FEWEST_BEST / len(study.trials))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is experimental in Optuna is covered by our range of versions
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
        try:
            return dict(
                optuna.importance.get_param_importances(
                    study, evaluator=evaluator, target=lambda trial: sign * trial.values[k], normalize=True
                )
            )
        except (ValueError, RuntimeError):  # all values equal, or no axis shared by enough trials
            return {}
