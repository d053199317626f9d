"""The pool as arrays."""

import numpy as np
import pytest

from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.samplers.rows import Rows, Scale

KNOWLEDGE = Knowledge(
    objectives={"accuracy": "maximize", "ms": "minimize", "fps": "maximize"},
    points=[{"a": 0}, {"a": 1}, {"a": 2}],
    known={"ms": [1.0, 10.0, 100.0], "fps": [1.0, 2.0, 4.0]},
    log=frozenset({"ms"}),
)


def test_costs_are_scaled_to_the_ends_of_the_pool_and_turned() -> None:
    rows = Rows(KNOWLEDGE)
    assert rows.costs[:, 0] == pytest.approx([0, 0.5, 1])
    assert rows.costs[:, 1] == pytest.approx([1, 2 / 3, 0])
    assert rows.features.shape == (3, 3)
    assert rows.features[:, 2] == pytest.approx([1, 0.5, 0])  # the surrogate sees a log scale wherever there is one


def test_points_are_found_and_strangers_are_not() -> None:
    rows = Rows(KNOWLEDGE)
    assert [rows.place({"a": 1}), rows.place({"a": 7}), rows.place({"b": 1}), rows.place({"a": []})] == [
        1,
        None,
        None,
        None,
    ]


def test_points_that_join_keep_the_scale_of_the_pool() -> None:
    rows = Rows(KNOWLEDGE)
    before = rows.costs.copy()
    rows.join([{"a": 3}], {"ms": [1000.0], "fps": [3.0]})
    assert np.array_equal(rows.costs[:3], before)
    assert rows.costs[3] == pytest.approx([1.5, 1 / 3])
    assert (rows.place({"a": 3}), rows.known["ms"][3], len(rows)) == (3, 1000.0, 4)
    rows.join([], {})
    assert len(rows) == 4


def test_a_cost_that_is_the_same_everywhere_is_zero() -> None:
    assert Scale([3.0, 3.0], maximise=False, log=True)(np.array([3.0])).tolist() == [0.0]
