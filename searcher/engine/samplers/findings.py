"""What the trials of a study found, as arrays for the adviser: measured, or estimated when they were stopped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from splitsearch.searcher.engine.samplers.adviser import Seen
from splitsearch.searcher.engine.samplers.knowledge import Knowledge, Point
from splitsearch.searcher.engine.samplers.rows import Rows

__all__ = ["Finding", "Findings"]

_ENDS = ("", "_deviation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One trial that tells something of the unknown objectives.

    Attributes:
        place: number of its point, None if the pool lacks it.
        point: parameters.
        known: known objectives: as the trial told them, else as the pool has them.
        gains: unknown objectives, turned so that more is better, on their scale.
        extra: deviation of each gain that is an estimate, 0 for a measured one.
        attained: whether it may stand on the front.
    """

    place: int | None
    point: Point
    known: Mapping[str, float]
    gains: Sequence[float]
    extra: Sequence[float]
    attained: bool


class Findings:
    """Reads trials.

    Args:
        knowledge: names and scales of the objectives.
        rows: the pool.
    """

    def __init__(self, knowledge: Knowledge, rows: Rows) -> None:
        self._knowledge, self._rows = knowledge, rows
        self._names = tuple(knowledge.objectives)

    def place_of(self, point: Mapping[str, Any]) -> int | None:
        """The number of a point, None if the pool lacks it or it is not complete."""
        return self._rows.place(point)

    def read(self, trial: FrozenTrial) -> Finding | None:
        """What a finished trial tells, or None: it failed, was refused, or told infinities."""
        if not set(trial.params) >= set(self._knowledge.parameters):
            return None
        if trial.state == TrialState.COMPLETE and all(map(math.isfinite, trial.values)):
            return self._complete(trial)
        if trial.state == TrialState.PRUNED:
            return self._estimated(trial)
        return None

    def stack(self, findings: Sequence[Finding]) -> Seen:
        """Findings as arrays."""
        unknown = len(self._knowledge.unknown)
        known = {name: [finding.known[name] for finding in findings] for name in self._knowledge.known}
        costs, features = self._rows.measure([finding.point for finding in findings], known)
        return Seen(
            costs=costs,
            features=features,
            gains=np.array([finding.gains for finding in findings]).reshape(-1, unknown),
            extra=np.array([finding.extra for finding in findings]).reshape(-1, unknown),
            attained=np.array([finding.attained for finding in findings], dtype=np.bool_),
        )

    def _complete(self, trial: FrozenTrial) -> Finding | None:
        values = dict(zip(self._names, trial.values, strict=True))
        gains = [self._knowledge.gain(name, values[name]) for name in self._knowledge.unknown]
        if not all(map(math.isfinite, gains)):  # no logarithm
            return None
        return Finding(
            place=self.place_of(trial.params),
            point=trial.params,
            known={name: values[name] for name in self._knowledge.known},
            gains=gains,
            extra=[0.0] * len(gains),
            attained=all(excess <= 0 for excess in trial.constraints.values()),
        )

    def _estimated(self, trial: FrozenTrial) -> Finding | None:
        """A stopped trial teaches if it says what it would have reached, and how surely."""
        place = self.place_of(trial.params)
        attributes = trial.user_attrs
        unknown = self._knowledge.unknown
        if place is None or any(f"{name}_estimate{end}" not in attributes for name in unknown for end in _ENDS):
            return None
        estimates = {name: float(attributes[f"{name}_estimate"]) for name in unknown}
        spreads = {name: float(attributes[f"{name}_estimate_deviation"]) for name in unknown}
        gains = [self._knowledge.gain(name, value) for name, value in estimates.items()]
        extra = [spreads[name] * self._knowledge.slope(name, value) for name, value in estimates.items()]
        if not all(map(math.isfinite, (*gains, *extra))):
            return None
        known = {name: float(self._rows.known[name][place]) for name in self._knowledge.known}
        return Finding(
            place=place, point=self._rows.points[place], known=known, gains=gains, extra=extra, attained=False
        )
