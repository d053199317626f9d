"""Points as rows of numbers."""

import numpy as np
import pytest

from splitsearch.searcher.engine.samplers.encoding import Encoding


def test_few_numbers_become_ranks_and_text_becomes_columns() -> None:
    points = [{"channels": c, "head": h, "one": 3} for c in (1, 2, 16) for h in ("mimic", "original")]
    encoding = Encoding.of(points)
    rows = encoding.encode(points)
    assert rows.shape == (6, 3)
    assert sorted(set(rows[:, 0])) == [0.0, 0.5, 1.0]
    assert np.linalg.norm(rows[0, 1:] - rows[1, 1:]) == pytest.approx(1.0)


def test_many_numbers_keep_their_distances_and_new_ones_stand_between() -> None:
    encoding = Encoding.of([{"x": float(x) ** 2} for x in range(100)])
    assert encoding.encode([{"x": 0.0}, {"x": 99.0**2 / 4}, {"x": 99.0**2}]).ravel().tolist() == [0.0, 0.25, 1.0]
    few = Encoding.of([{"x": 1}, {"x": 2}, {"x": 16}])
    assert few.encode([{"x": 9}]).ravel().tolist() == [0.75]


def test_booleans_are_numbers_and_nothing_to_choose_has_no_column() -> None:
    assert Encoding.of([{"b": True}, {"b": False}]).encode([{"b": True}]).tolist() == [[1.0]]
    assert Encoding.of([{"b": True}]).encode([{"b": True}, {"b": True}]).shape == (2, 0)
    assert Encoding.of([{"t": "x"}, {"t": "y"}]).encode([]).shape == (0, 2)
