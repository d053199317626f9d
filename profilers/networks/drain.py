"""Drain: how long a message takes over a recorded link, exactly, whenever it starts.

A message of so many bits that starts at t has drained at the first s with integral of the rate from t to s = bits; the
mean rate would hide outages, during which nothing drains. Starts are spread evenly over the trace, which begins again
where it ends.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from splitsearch.profilers.networks.trace import Trace, edges_s
from splitsearch.profilers.spread import Spread

__all__ = ["Drain"]

_HALVINGS = 60  # of an interval that holds a percentile: to the last bit of a float

Floats = NDArray[np.float64]


class Drain:
    """Answers for one trace."""

    def __init__(self, trace: Trace) -> None:
        edges = (edges_s(trace) - trace.time_s[0]) * 1e3
        self._period = float(edges[-1])
        # Two periods: what starts in the first may end in the second. Milliseconds; bits per millisecond; bits.
        self._edges = np.append(edges[:-1], edges + self._period)
        self._rates = np.tile(np.array(trace.uplink_mbps) * 1e3, 2)
        self._rtts = np.tile(np.array(trace.rtt_ms), 2)
        self._bits = np.append(0.0, np.cumsum(self._rates * np.diff(self._edges)))
        self._cycle = float(self._bits[len(trace.time_s)])
        self.message = lru_cache(maxsize=1024)(self._message)

    def milliseconds(self, start_ms: float, bits: float) -> float:
        """How long a message drains that starts so long after the first row."""
        cycles, rest = self._whole_cycles(bits)
        start = np.array([start_ms % self._period])
        return cycles * self._period + float(self._end(self._drained(start) + rest)[0] - start[0])

    def _message(self, bits: float) -> tuple[Spread, float]:
        """Round trip and drain together, over all starts; and the mean of the drain alone."""
        cycles, rest = self._whole_cycles(bits)
        weights, low, high, mean_rtt = self._pieces(rest)
        whole = cycles * self._period
        mean = whole + float(np.sum(weights * (low + high)) / 2)
        p50, p95 = (whole + _percentile(share, weights, low, high) for share in (0.5, 0.95))
        return Spread(mean_ms=mean, p50_ms=p50, p95_ms=p95), mean - mean_rtt

    def _whole_cycles(self, bits: float) -> tuple[int, float]:
        """Whole runs of the trace, and the rest of the bits, more than 0 and at most one run's."""
        bits = max(bits, 1.0)  # less than one bit is never sent
        cycles = int(bits // self._cycle)
        rest = bits - cycles * self._cycle
        return (cycles, rest) if rest > 0 else (cycles - 1, self._cycle)

    def _pieces(self, bits: float) -> tuple[Floats, Floats, Floats, float]:
        """Stretches of starts on which the duration changes linearly: their shares, and the least and most duration.

        A stretch ends where a row begins or where the message would end with a row. Inside, a start later by dt leaves
        rate-at-the-start * dt more bits to drain at rate-at-the-end: the duration grows by (their ratio - 1) * dt.
        """
        ends_with_row = self._bits[(self._bits >= bits) & (self._bits <= self._cycle + bits)] - bits
        starts = np.append(self._edges[self._edges < self._period], self._end(ends_with_row))
        bounds = np.unique(np.clip(np.append(starts, [0.0, self._period]), 0.0, self._period))
        lengths = np.diff(bounds)
        middles = bounds[:-1] + lengths / 2
        kept = (lengths > 0) & (middles > bounds[:-1]) & (middles < bounds[1:])
        lengths, middles = lengths[kept], middles[kept]
        goal = self._drained(middles) + bits
        ends, at, until = self._end(goal), self._row(middles), self._ending_row(goal)
        reach = np.abs(self._rates[at] / self._rates[until] - 1) * lengths / 2
        middle = ends - middles + self._rtts[at]
        weights = lengths / np.sum(lengths)
        return weights, middle - reach, middle + reach, float(np.sum(weights * self._rtts[at]))

    def _row(self, times: Floats) -> NDArray[np.intp]:
        return np.searchsorted(self._edges, times, side="right") - 1

    def _drained(self, times: Floats) -> Floats:
        """Bits that drain from the first row until then."""
        row = self._row(times)
        drained: Floats = self._bits[row] + self._rates[row] * (times - self._edges[row])
        return drained

    def _ending_row(self, bits: Floats) -> NDArray[np.intp]:
        known = np.minimum(bits, self._bits[-1])  # rounding must not ask for more than two periods hold
        rows: NDArray[np.intp] = np.maximum(np.searchsorted(self._bits, known, side="left") - 1, 0)
        return rows

    def _end(self, bits: Floats) -> Floats:
        """The first moment by which so many bits have drained."""
        row = self._ending_row(bits)
        rates = self._rates[row]
        waited = np.divide(bits - self._bits[row], rates, out=np.zeros_like(bits), where=rates > 0)
        moments: Floats = self._edges[row] + waited
        return moments


def _percentile(share: float, weights: Floats, low: Floats, high: Floats) -> float:
    """The least x that a mixture of uniform durations does not exceed with that probability."""
    width = high - low
    least, most = float(low.min()), float(high.max())
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        below = np.divide(middle - low, width, out=(middle >= low).astype(float), where=width > 0)
        reached = float(np.sum(weights * np.clip(below, 0.0, 1.0)))
        least, most = (middle, most) if reached < share else (least, middle)
    return most
