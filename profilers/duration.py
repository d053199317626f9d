"""Duration: milliseconds that say how they are known, so that a sum of them never claims more than its weakest part."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["ZERO", "Duration", "Source", "weakest"]

Source = Literal["measured", "predicted", "estimated"]

_ORDER: tuple[Source, ...] = ("measured", "predicted", "estimated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long something takes on one image.

    Attributes:
        ms: milliseconds; the median where it was measured.
        deviation_ms: one standard deviation of what is not known about `ms`; None if nobody can say, as of a roofline.
        source: `measured` on the machine itself, `predicted` by a model fitted to measurements of it, or `estimated`
            from general figures.
        in_range: whether a prediction stays within what the model was fitted to.
    """

    ms: float
    deviation_ms: float | None = None
    source: Source = "estimated"
    in_range: bool = True

    @classmethod
    def total(cls, parts: "Iterable[Duration]") -> "Duration":
        """Parts that run one after another: deviations add up in quadrature, the source is the weakest."""
        parts = tuple(parts)
        deviations = [part.deviation_ms for part in parts]
        known = [deviation for deviation in deviations if deviation is not None]
        return cls(
            ms=math.fsum(part.ms for part in parts),
            deviation_ms=math.hypot(*known) if len(known) == len(deviations) else None,
            source=weakest(part.source for part in parts),
            in_range=all(part.in_range for part in parts),
        )


def weakest(sources: Iterable[Source]) -> Source:
    """The least trustworthy of several sources; `measured` of none."""
    return max(sources, key=_ORDER.index, default="measured")


ZERO = Duration(ms=0.0, deviation_ms=0.0, source="measured")
"""What is not done takes no time, for certain."""
