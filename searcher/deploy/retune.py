"""Another threshold for a wanted accuracy or latency: chosen from the curve, nothing is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from splitsearch.searcher.deploy.measures import Threshold
from splitsearch.spaces.errors import NothingFeasibleError, UserError

__all__ = ["Wish", "retuned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the exit is to reach; at most one of the two.

    Attributes:
        accuracy: at least so much top-1 in [0, 1], at the least latency.
        latency_ms: at most so much expected latency, at the best accuracy.
    """

    accuracy: float | None = None
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        if self.accuracy is not None and self.latency_ms is not None:
            raise UserError("--target-accuracy and --target-latency-ms exclude each other")
        if self.accuracy is not None and not 0 <= self.accuracy <= 1:
            raise UserError(f"--target-accuracy must lie in 0 … 1, such as 0.9, not {self.accuracy:g}")
        if self.latency_ms is not None and not self.latency_ms > 0:
            raise UserError(f"--target-latency-ms must be positive, not {self.latency_ms:g}")

    @property
    def is_any(self) -> bool:
        """Whether something is wished at all."""
        return self.accuracy is not None or self.latency_ms is not None


def retuned(curve: Sequence[Threshold], wish: Wish) -> Threshold:
    """The point of the curve that is wished for.

    Raises:
        NothingFeasibleError: no threshold reaches it; the line names the nearest.
    """
    if wish.accuracy is not None:
        good = [point for point in curve if point.accuracy >= wish.accuracy - 1e-12]
        if good:
            return min(good, key=lambda point: (point.latency_ms, -point.accuracy))
        best = max(curve, key=lambda point: point.accuracy)
        raise NothingFeasibleError(
            f"no threshold reaches an accuracy of {wish.accuracy:g}; the nearest is {best.threshold:.4g} with "
            f"{best.accuracy:.4f}"
        )
    assert wish.latency_ms is not None
    quick = [point for point in curve if point.latency_ms <= wish.latency_ms]
    if quick:
        return max(quick, key=lambda point: (point.accuracy, -point.latency_ms))
    best = min(curve, key=lambda point: point.latency_ms)
    raise NothingFeasibleError(
        f"no threshold is expected within {wish.latency_ms:g} ms; the nearest is {best.threshold:.4g} with "
        f"{best.latency_ms:.1f} ms"
    )
