"""Accuracy, calibration, bytes and thresholds, against what can be counted by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from splitsearch.searcher.deploy.measures import (
    BINS,
    answers_document,
    calibration_error,
    exit_curve,
    payload_document,
    thin,
)
from splitsearch.searcher.deploy.outcomes import Outcomes

COSTS = {"full": {"latency_ms": 10.0}, "exit": {"latency_ms": 2.0}}


def logits(probabilities: list[list[float]]) -> NDArray[np.float32]:
    return np.log(np.array(probabilities, dtype=np.float32))


def outcomes(**more: NDArray[np.float32]) -> Outcomes:
    """Four images of class 0; the full branch is right on the first two."""
    final = logits([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    sizes = np.array([10, 20, 30, 40])
    return Outcomes(labels=np.zeros(4, dtype=np.int64), final=final, payload_bytes=sizes, **more)


def with_exit() -> Outcomes:
    """The exit is right on images 0 and 2, and sure in the order 2, 0, 1, 3."""
    early = logits([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.45, 0.55]])
    return outcomes(early=early, confidence=early_confidence(early))


def early_confidence(early: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.exp(early).max(1))


def test_calibration_is_the_mean_gap() -> None:
    # Each confidence is in a bin of its own: |1 - 0.9|, |1 - 0.8|, |0 - 0.7|, |0 - 0.6| over four images.
    assert calibration_error(outcomes().final, outcomes().labels) == pytest.approx((0.1 + 0.2 + 0.7 + 0.6) / 4)
    # Half of a hundred right at a confidence of a half, all in one bin: perfect.
    even = np.zeros((100, 2), dtype=np.float32)
    assert calibration_error(even, np.arange(100) % 2) == pytest.approx(0.0, abs=1e-9)
    sure = np.array([[100.0, 0.0]], dtype=np.float32)
    assert calibration_error(sure, np.array([1])) == pytest.approx(1.0)


def test_top_1_and_top_5() -> None:
    document = answers_document(outcomes(), None)
    assert (document["accuracy"], document["top5"], document["calibration_bins"]) == (0.5, None, BINS)
    low, high = document["accuracy_interval"]
    assert low < 0.5 < high
    final = np.tile(np.arange(7, dtype=np.float32), (7, 1))
    ranked = Outcomes(labels=np.arange(7), final=final, payload_bytes=np.ones(7, dtype=np.int64))
    document = answers_document(ranked, None)
    assert (document["accuracy"], document["top5"]) == (pytest.approx(1 / 7), pytest.approx(5 / 7))


def test_the_payload_of_all_and_of_those_that_are_sent() -> None:
    whole = payload_document(outcomes(), None)
    assert whole["mean_of_all"] == 25.0
    assert whole["sent"] == {"mean": 25.0, "p50": 25.0, "p95": pytest.approx(38.5), "max": 40}
    some = payload_document(with_exit(), 0.65)  # images 0 and 2 leave
    assert (some["mean_of_all"], some["sent_images"], some["sent"]["mean"]) == (15.0, 2, 30.0)
    assert payload_document(with_exit(), 0.0) == {"mean_of_all": 0.0, "sent_images": 0, "sent": None}


def test_the_curve_is_what_each_threshold_gives() -> None:
    found = with_exit()
    curve = exit_curve(found, COSTS)
    assert [point.exit_rate for point in curve] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [point.accuracy for point in curve] == [0.5, 0.75, 0.75, 0.5, 0.5]
    assert [point.latency_ms for point in curve] == [10.0, 8.0, 6.0, 4.0, 2.0]
    assert [point.payload_bytes for point in curve] == [25.0, 17.5, 15.0, 10.0, 0.0]
    for point in curve:
        assert found.leaves(point.threshold).mean() == point.exit_rate
        assert found.hits(point.threshold).mean() == point.accuracy


def test_images_of_one_confidence_leave_together() -> None:
    early = logits([[0.7, 0.3], [0.3, 0.7], [0.9, 0.1], [0.6, 0.4]])
    equal = np.array([0.5, 0.5, 1.0, 0.5], dtype=np.float32)
    curve = exit_curve(outcomes(early=early, confidence=equal), COSTS)
    assert [point.exit_rate for point in curve] == [0.25, 1.0]  # a confidence of 1 leaves at every threshold
    found = outcomes(early=early, confidence=equal)
    assert all(found.leaves(point.threshold).mean() == point.exit_rate for point in curve)


def test_a_long_curve_is_thinned_with_its_ends() -> None:
    curve = exit_curve(with_exit(), COSTS)
    assert thin(curve) == curve
    long = curve * 100
    assert len(thin(long)) == 101
    assert (thin(long)[0], thin(long)[-1]) == (long[0], long[-1])
