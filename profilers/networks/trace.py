"""Trace: an uplink that was recorded over time, so that a search can be done for the link that one really has.

Row k holds from its own time to that of row k + 1; the last one as long as the median step.
"""

import statistics
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator
from pydantic_core.core_schema import ValidationInfo

from splitsearch.profilers.shipped import NotNegative, Positive, ProfilePart

__all__ = ["GAP", "Trace", "edges_s", "find_fault", "mean_mbps", "median_rtt_ms"]

GAP = 5
"""A step of more than so many median steps is a gap: nobody knows what the link did meanwhile."""


class Trace(ProfilePart):
    """One uplink over time.

    Attributes:
        time_s: seconds, rising.
        uplink_mbps: millions of bits a second; 0 in an outage.
        rtt_ms: round-trip time of a small message.
    """

    time_s: tuple[float, ...]
    uplink_mbps: tuple[NotNegative, ...]
    rtt_ms: tuple[Positive, ...]

    @field_validator("rtt_ms")
    @classmethod
    def _rows_are_sound(cls, rtt_ms: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        times, rates = info.data.get("time_s", ()), info.data.get("uplink_mbps", ())
        if not len(times) == len(rates) == len(rtt_ms):
            raise ValueError("time_s, uplink_mbps and rtt_ms should have the same length")
        fault = find_fault(times, rates)
        if fault is not None:
            raise ValueError(f"row {fault[0] + 1}: {fault[1]}" if fault[0] is not None else fault[1])
        return rtt_ms


def find_fault(times: Sequence[float], rates: Sequence[float]) -> tuple[int | None, str] | None:
    """What is wrong: the index of the row, or None for all of them, and why; None if nothing is."""
    if len(times) < 2:
        return None, f"a trace needs at least two rows, not {len(times)}"
    steps = [later - earlier for earlier, later in pairwise(times)]
    unsorted = next((k for k, step in enumerate(steps) if not step > 0), None)
    if unsorted is not None:
        return unsorted + 1, f"the time {times[unsorted + 1]:g} s does not come after {times[unsorted]:g} s"
    usual = statistics.median(steps)
    gap = next((k for k, step in enumerate(steps) if step > GAP * usual), None)
    if gap is not None:
        why = f"a gap of {steps[gap]:g} s, where {usual:g} s are usual; fill it or cut the trace there"
        return gap + 1, why
    if not any(rate > 0 for rate in rates):
        return None, "the uplink rate is 0 in every row: no message ever arrives"
    return None


def mean_mbps(trace: Trace) -> float:
    """Mean rate over time."""
    edges, rates = edges_s(trace), np.array(trace.uplink_mbps)
    return float(np.sum(rates * np.diff(edges)) / (edges[-1] - edges[0]))


def median_rtt_ms(trace: Trace) -> float:
    """Median of the round trips over time."""
    order = np.argsort(trace.rtt_ms)
    held = np.cumsum(np.diff(edges_s(trace))[order])
    return float(np.array(trace.rtt_ms)[order][np.searchsorted(held, held[-1] / 2)])


def edges_s(trace: Trace) -> NDArray[np.float64]:
    """Where rows begin, and where the last one ends: one more than there are rows."""
    times = np.array(trace.time_s)
    return np.append(times, times[-1] + np.median(np.diff(times)))
