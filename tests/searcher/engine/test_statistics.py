"""Intervals of accuracies."""

import pytest

from splitsearch.searcher.engine.statistics import wilson_interval


def test_a_published_example() -> None:
    # Newcombe (Statistics in Medicine, 1998), table I, method 3: 81 of 263.
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize("hits", ["none", "all"])
def test_the_interval_holds_the_accuracy_at_the_ends(hits: str) -> None:
    accuracy = float(hits == "all")
    assert all(accuracy in wilson_interval(accuracy, images) for images in range(1, 2000))


@pytest.mark.parametrize(("accuracy", "images", "confidence"), [(0.5, 0, 0.95), (1.1, 5, 0.95), (0.5, 5, 1.0)])
def test_what_has_no_interval_is_refused(accuracy: float, images: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson_interval(accuracy, images, confidence)


def test_the_ends_stay_inside() -> None:
    assert wilson_interval(1.0, 20)[1] == 1.0
    assert wilson_interval(0.0, 20)[0] == pytest.approx(0.0)
    assert wilson_interval(0.5, 10, 0.5)[0] > wilson_interval(0.5, 10)[0]
