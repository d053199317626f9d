"""Percentiles of the runs that count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.profilers.measure.series import Sample, difference, is_disturbed, series_of


def test_percentiles_of_calm_runs() -> None:
    found = series_of([(float(ms), float(ms)) for ms in range(1, 102)])
    assert (found.n, found.p10, found.p50, found.p90, found.iqr) == (101, 11, 51, 91, 50)
    assert (found.clock, found.disturbed) == ("wall", 0)


def test_runs_that_waited_for_the_processor_are_left_out() -> None:
    calm: list[Sample] = [(10.0, 10.0)] * 8
    found = series_of([*calm, (30.0, 10.0), (14.0, 10.0)])
    assert (found.n, found.p50, found.p90, found.disturbed, found.clock) == (8, 10, 10, 2, "wall")


def test_where_nearly_all_waited_the_own_time_stands_in() -> None:
    found = series_of([(20.0 + k, 10.0) for k in range(9)] + [(10.0, 10.0)])
    assert (found.n, found.p50, found.clock) == (10, 10, "cpu")


def test_where_others_compute_too_nothing_is_left_out() -> None:
    found = series_of([(10.0, None), (30.0, None), (20.0, None)])
    assert (found.n, found.p50, found.clock, found.disturbed) == (3, 20, "wall", 0)


def test_one_run_is_a_series() -> None:
    assert series_of([(3.0, 3.0)]).p50 == 3.0
    assert series_of([(9.0, 3.0)]).clock == "cpu"


@pytest.mark.parametrize(
    ("wall", "own", "waited"), [(10, 10, False), (10.2, 10, False), (10.3, 10, True), (9, None, False)]
)
def test_who_waited(wall: float, own: float | None, waited: bool) -> None:
    assert is_disturbed((wall, own)) is waited


def test_the_difference_of_halves_is_over_their_mean() -> None:
    assert difference([(9.0, 9.0)] * 5, [(11.0, 11.0)] * 5) == pytest.approx(0.2)


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=40))
def test_any_runs_make_a_series_within_their_bounds(times: list[float]) -> None:
    found = series_of([(ms, ms) for ms in times])
    assert min(times) <= found.p10 <= found.p50 <= found.p90 <= max(times) * (1 + 1e-12)
    assert found.p50 == pytest.approx(float(np.median(times)))
