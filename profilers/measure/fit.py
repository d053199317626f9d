"""Three sustained figures fitted to measured networks, so that a measured file also works where a shipped one does.

The roofline of `predict.roofline` is fitted by coordinate search on a logarithmic grid that becomes finer: three
numbers and some dozen networks need nothing more. The mean relative error is what is minimised.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitsearch.profilers.devices.device import Compute

__all__ = ["Fit", "fit_compute"]

_BYTES = {"float32": 4, "float16": 2}
_OVERHEADS_MS = (1e-5, 1.0)
_WORTH = 2e-3  # by less, a figure that hardly matters would wander off to infinity
_STEPS = (4.0, 2.0, 1.4, 1.15, 1.05, 1.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A roofline, and how well it fits.

    Attributes:
        compute: the three figures.
        error: mean relative error on the networks that it was fitted to.
    """

    compute: Compute
    error: float


def fit_compute(networks: Sequence[tuple[Sequence[Sequence[int]], float]], dtype: str) -> Fit:
    """Fits throughput, bandwidth and time per operator.

    Args:
        networks: for each, multiply-adds and moved elements of every operator, and its measured milliseconds.
        dtype: `float32` or `float16`.
    """
    tables = [(np.asarray(operators, dtype=float).reshape(-1, 2), ms) for operators, ms in networks]
    width = _BYTES[dtype]
    macs, moved = (sum(table[:, k].sum() for table, _ in tables) for k in (0, 1))
    seconds = sum(ms for _, ms in tables) / 1e3
    best = [max(macs / seconds / 1e9, 1e-3), max(2 * moved * width / seconds / 1e9, 1e-3), 1e-3]
    error = _error(tables, best, width)
    for step in _STEPS:
        improved = True
        while improved:
            improved = False
            for place in range(3):
                for factor in (step, 1 / step):
                    trial = [value * factor if k == place else value for k, value in enumerate(best)]
                    trial[2] = min(max(trial[2], _OVERHEADS_MS[0]), _OVERHEADS_MS[1])
                    found = _error(tables, trial, width)
                    if found < error * (1 - _WORTH):
                        best, error, improved = trial, found, True
    return Fit(
        compute=Compute(gmacs_per_s=best[0], memory_gbytes_per_s=best[1], operator_overhead_ms=best[2]), error=error
    )


def _error(tables: Sequence[tuple[NDArray[np.float64], float]], figures: Sequence[float], width: int) -> float:
    gmacs, gbytes, overhead = figures
    if not all(math.isfinite(value) and value > 0 for value in figures):
        return math.inf
    return float(
        np.mean(
            [
                abs(
                    np.sum(overhead + np.maximum(table[:, 0] / (gmacs * 1e6), table[:, 1] * width / (gbytes * 1e6)))
                    / ms
                    - 1
                )
                for table, ms in tables
            ]
        )
    )
