"""Spread: a duration that differs from time to time, so that a sum of terms has a median and a 95th percentile."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["Z95", "Spread"]

Z95 = NormalDist().inv_cdf(0.95)
"""Standard deviations from the median of a normal distribution to its 95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a duration is distributed, in milliseconds.

    Attributes:
        mean_ms: the expected value.
        p50_ms: the median.
        p95_ms: the 95th percentile, never below the median.
    """

    mean_ms: float
    p50_ms: float
    p95_ms: float

    @classmethod
    def fixed(cls, ms: float) -> "Spread":
        """What always takes the same time."""
        return cls(mean_ms=ms, p50_ms=ms, p95_ms=ms)

    @classmethod
    def normal(cls, ms: float, deviation_ms: float) -> "Spread":
        """What errs to both sides alike."""
        return cls(mean_ms=ms, p50_ms=ms, p95_ms=ms + Z95 * deviation_ms)

    @classmethod
    def lognormal(cls, p50_ms: float, p95_ms: float) -> "Spread":
        """What is seldom much faster and at times much slower, as round trips are.

        With s = ln(p95 / p50) / z(0.95), the mean of a lognormal distribution is p50 * exp(s^2 / 2).
        """
        if p95_ms == p50_ms:
            return cls.fixed(p50_ms)
        sigma = math.log(p95_ms / p50_ms) / Z95
        return cls(mean_ms=p50_ms * math.exp(sigma**2 / 2), p50_ms=p50_ms, p95_ms=p95_ms)

    @classmethod
    def total(cls, parts: "Iterable[Spread]") -> "Spread":
        """Independent terms, one after another.

        Means add up. The median is taken as the sum of the medians, and the way from there to the 95th percentile as
        the root of the sum of the squares: exact for normal terms, and where only one term varies; else within a few
        percent for the terms that occur here.
        """
        parts = tuple(parts)
        p50_ms = math.fsum(part.p50_ms for part in parts)
        return cls(
            mean_ms=math.fsum(part.mean_ms for part in parts),
            p50_ms=p50_ms,
            p95_ms=p50_ms + math.hypot(*(part.p95_ms - part.p50_ms for part in parts)),
        )
