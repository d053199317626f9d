"""Another threshold, without training."""

import pytest

from splitsearch.searcher.deploy.measures import Threshold
from splitsearch.searcher.deploy.retune import Wish, retuned
from splitsearch.spaces.errors import NothingFeasibleError, UserError


def point(threshold: float, accuracy: float, latency_ms: float) -> Threshold:
    return Threshold(threshold=threshold, exit_rate=0.5, accuracy=accuracy, payload_bytes=1.0, latency_ms=latency_ms)


CURVE = [point(1.0, 0.9, 10.0), point(0.8, 0.92, 8.0), point(0.5, 0.9, 5.0), point(0.0, 0.6, 2.0)]


def test_the_quickest_of_those_that_are_accurate_enough() -> None:
    assert retuned(CURVE, Wish(accuracy=0.9)).threshold == 0.5
    assert retuned(CURVE, Wish(accuracy=0.91)).threshold == 0.8
    with pytest.raises(NothingFeasibleError, match=r"an accuracy of 0\.95; the nearest is 0\.8 with 0\.9200"):
        retuned(CURVE, Wish(accuracy=0.95))


def test_the_most_accurate_of_those_that_are_quick_enough() -> None:
    assert retuned(CURVE, Wish(latency_ms=9)).threshold == 0.8
    assert retuned(CURVE, Wish(latency_ms=5)).threshold == 0.5
    with pytest.raises(NothingFeasibleError, match=r"within 1 ms; the nearest is 0 with 2\.0 ms"):
        retuned(CURVE, Wish(latency_ms=1))


def test_wishes_are_checked() -> None:
    assert not Wish().is_any
    for wrong, line in (
        ({"accuracy": 0.5, "latency_ms": 1.0}, "exclude each other"),
        ({"accuracy": 90.0}, "must lie in 0"),
        ({"latency_ms": 0.0}, "must be positive"),
    ):
        with pytest.raises(UserError, match=line):
            Wish(**wrong)  # type: ignore[arg-type]
