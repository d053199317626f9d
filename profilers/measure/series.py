"""From raw samples to robust figures: what other programs did to single runs must not end up in a profile.

A run in which the computing thread had to wait for the processor took longer than the network takes. Its wall time lies
above the thread's own time, so such runs are told apart and left out; where nearly all are of that kind, the thread's
own time stands in for the wall.
"""

from collections.abc import Sequence

import numpy as np

from splitsearch.profilers.devices.measured import Series

__all__ = ["Sample", "difference", "is_disturbed", "series_of"]

Sample = tuple[float, float | None]
"""Wall milliseconds, and the thread's own; None where others compute too."""

_SLACK, _SLACK_MS = 1.02, 0.02  # reading two clocks takes time, too
_LEAST, _SHARE = 4, 1 / 3


def is_disturbed(sample: Sample) -> bool:
    """Whether the thread waited for the processor while it ran."""
    wall, own = sample
    return own is not None and wall > own * _SLACK + _SLACK_MS


def series_of(samples: Sequence[Sample]) -> Series:
    """Percentiles of the runs that count.

    Args:
        samples: at least one.
    """
    calm = [wall for wall, own in samples if not is_disturbed((wall, own))]
    if len(calm) >= max(_LEAST, _SHARE * len(samples)) or len(calm) == len(samples):
        return _series(calm, "wall", len(samples) - len(calm))
    return _series([own for _, own in samples if own is not None], "cpu", 0)


def _series(milliseconds: Sequence[float], clock: str, disturbed: int) -> Series:
    p10, p25, p50, p75, p90 = (float(value) for value in np.percentile(milliseconds, (10, 25, 50, 75, 90)))
    return Series(
        n=len(milliseconds),
        p10=p10,
        p50=p50,
        p90=p90,
        iqr=p75 - p25,
        clock="wall" if clock == "wall" else "cpu",
        disturbed=disturbed,
    )


def difference(first: Sequence[Sample], second: Sequence[Sample]) -> float:
    """How far the medians of two halves lie apart, over their mean."""
    a, b = series_of(first).p50, series_of(second).p50
    return abs(a - b) / ((a + b) / 2)
