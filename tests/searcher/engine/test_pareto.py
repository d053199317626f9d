"""Dominance and hypervolume against closed forms and counting."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.pareto import dominates, hypervolume, non_dominated, to_minimise

SETS = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.lists(st.integers(0, 4), min_size=d, max_size=d), min_size=1, max_size=7)
)


@given(SETS)
def test_the_hypervolume_counts_the_dominated_unit_cells(rows: list[list[int]]) -> None:
    points = np.array(rows, dtype=float)
    cells = product(range(5), repeat=points.shape[1])
    counted = sum(any((point <= cell).all() for point in points) for cell in map(np.array, cells))
    assert hypervolume(points, [5.0] * points.shape[1]) == pytest.approx(counted)


@given(SETS)
def test_the_front_is_what_nothing_dominates(rows: list[list[int]]) -> None:
    kept = non_dominated(np.array(rows, dtype=float))
    assert kept.tolist() == [not any(dominates(other, row) for other in rows) for row in rows]


@given(SETS, st.integers(0, 6))
def test_the_hypervolume_never_shrinks_by_a_point_and_needs_the_front_only(rows: list[list[int]], left: int) -> None:
    points = np.array(rows, dtype=float)
    reference = [5.0] * points.shape[1]
    whole = hypervolume(points, reference)
    assert hypervolume(np.delete(points, left % len(points), axis=0), reference) <= whole + 1e-9
    assert hypervolume(points[non_dominated(points)], reference) == pytest.approx(whole)


def test_closed_forms() -> None:
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), [4.0, 4.0]) == pytest.approx(3 + 6 - 2)
    assert hypervolume(np.array([[5.0, 5.0]]), [4.0, 4.0]) == 0
    assert hypervolume(np.empty((0, 2)), [4.0, 4.0]) == 0


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        non_dominated(np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match="not a number"):
        hypervolume(np.array([[np.nan, 1.0]]), [2.0, 2.0])
    with pytest.raises(ValueError, match="not a number"):
        hypervolume(np.array([[1.0, 1.0]]), [np.nan, 2.0])


def test_a_reference_of_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        hypervolume(np.array([[1.0, 1.0]]), [2.0])


def test_what_is_maximised_changes_its_sign() -> None:
    objectives = parse_objectives("accuracy,latency_ms")
    assert to_minimise({"accuracy": 0.9, "latency_ms": 5.0, "other": 1.0}, objectives) == [-0.9, 5.0]
