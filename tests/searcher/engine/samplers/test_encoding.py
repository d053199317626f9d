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


def test_names_that_are_numbers_have_an_order_and_none() -> None:
    points = [{"cut": c, "head": h, "bits": b} for c in (3, 7, 9) for h in ("a", "b") for b in (2, 4, 8)]
    encoding = Encoding.of(points, frozenset({"cut"}))
    rows = encoding.encode(points)
    assert encoding.groups == (0, 1, 1, 1, 2, 2, 3)
    assert rows.shape == (18, len(encoding.groups))
    near, far = (np.linalg.norm(encoding.encode([{"cut": 3, "head": "a", "bits": 2}]) - rows[k]) for k in (6, 12))
    assert 0.5 < near < far, "neighbours are two steps apart: their ranks and their names"
    strange = encoding.encode([{"cut": 8, "head": "a", "bits": 2}])[0]
    assert strange[0] == 0.75
    assert strange[1:4].tolist() == [0, 0, 0]


def test_of_two_names_the_order_says_all() -> None:
    encoding = Encoding.of([{"cut": 0}, {"cut": 5}], frozenset({"cut"}))
    assert (encoding.groups, encoding.encode([{"cut": 5}]).tolist()) == ((0,), [[1.0]])
