"""What a profile predicts against what is measured now: of its own table, and of candidates that it has not seen."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from splitsearch.profilers.duration import Duration

__all__ = ["Checked", "Row", "kendall_tau", "summarise"]

_LONG_MS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One network.

    Attributes:
        name: readable.
        kind: `table` for the backbone's own heads and tails, else the kind of candidate.
        site: `device` or `server`.
        predicted: by the profile.
        measured_ms: median now, at the profile's pace where there is one.
        observed_ms: median now, as it was.
        halves_percent: how far the two halves of its rounds lie apart: no prediction can be better.
    """

    name: str
    kind: str
    site: str
    predicted: Duration
    measured_ms: float
    observed_ms: float
    halves_percent: float

    @property
    def error(self) -> float:
        """Of the prediction, over what was measured; above 0 where too much was predicted."""
        return self.predicted.ms / self.measured_ms - 1

    def to_json(self) -> dict[str, Any]:
        """Returns plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "site": self.site,
            "source": self.predicted.source,
            "in_range": self.predicted.in_range,
            "predicted_ms": self.predicted.ms,
            "deviation_ms": self.predicted.deviation_ms,
            "measured_ms": self.measured_ms,
            "observed_ms": self.observed_ms,
            "error": self.error,
            "halves_percent": self.halves_percent,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How well a group of networks is predicted.

    Attributes:
        count: networks.
        mape: mean of the errors' sizes, in percent.
        within_5: share whose error is at most 5 %, in percent.
        within_10: the same of 10 %.
        tau: Kendall's rank correlation (tau-b) of predicted and measured; None for fewer than two different values.
        halves: mean difference of the two halves in percent: the floor.
    """

    count: int
    mape: float
    within_5: float
    within_10: float
    tau: float | None
    halves: float


def summarise(rows: Sequence[Row]) -> dict[str, Checked]:
    """By kind, then the new ones together, then those of them that run on the device for 2 ms and longer."""
    new = [row for row in rows if row.kind != "table"]
    groups = {kind: [row for row in rows if row.kind == kind] for kind in dict.fromkeys(row.kind for row in rows)}
    groups["new"] = new
    groups[f"new heads of {_LONG_MS:g} ms and more"] = [
        row for row in new if row.site == "device" and row.measured_ms >= _LONG_MS
    ]
    return {name: _checked(found) for name, found in groups.items() if found}


def _checked(rows: Sequence[Row]) -> Checked:
    errors = [abs(row.error) for row in rows]
    return Checked(
        count=len(rows),
        mape=100 * statistics.fmean(errors),
        within_5=100 * statistics.fmean(error <= 0.05 for error in errors),
        within_10=100 * statistics.fmean(error <= 0.10 for error in errors),
        tau=kendall_tau([(row.predicted.ms, row.measured_ms) for row in rows]),
        halves=statistics.fmean(row.halves_percent for row in rows),
    )


def kendall_tau(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Kendall's tau-b (Kendall, Biometrika 1945): concordant minus discordant pairs, corrected for ties."""
    points = list(pairs)
    balance, apart = 0, [0, 0]
    for place, (a, b) in enumerate(points):
        for c, d in points[:place]:
            first, second = (a > c) - (a < c), (b > d) - (b < d)
            balance += first * second
            apart[0] += first != 0
            apart[1] += second != 0
    scale = math.sqrt(apart[0] * apart[1])
    return balance / scale if scale else None
