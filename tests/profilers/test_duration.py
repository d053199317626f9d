"""Sums of durations claim no more than their weakest part."""

import pytest

from splitsearch.profilers.duration import ZERO, Duration, weakest


def test_a_sum_adds_milliseconds_and_squares_of_deviations() -> None:
    found = Duration.total(
        (
            Duration(ms=3.0, deviation_ms=0.3, source="measured"),
            Duration(ms=4.0, deviation_ms=0.4, source="predicted", in_range=False),
        )
    )
    assert found.ms == 7.0
    assert found.deviation_ms == pytest.approx(0.5)
    assert (found.source, found.in_range) == ("predicted", False)


def test_what_nobody_can_say_of_a_part_nobody_can_say_of_the_sum() -> None:
    found = Duration.total((Duration(ms=1.0, deviation_ms=0.1, source="measured"), Duration(ms=1.0)))
    assert found.deviation_ms is None
    assert found.source == "estimated"


def test_nothing_done_takes_no_time_for_certain() -> None:
    assert Duration.total(()) == ZERO
    assert weakest(()) == "measured"
