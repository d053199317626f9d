"""The first trials."""

import numpy as np

from splitsearch.searcher.engine.samplers.start import corners, start_design

COSTS = np.array([[x / 10, y / 10] for x in range(11) for y in range(11)])


def test_corners_are_the_cheapest_of_each_cost_and_the_dearest_in_all() -> None:
    assert [COSTS[row].tolist() for row in corners(COSTS)] == [[0.0, 0.0], [1.0, 1.0]]
    slope = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0], [1.0, 0.9]])
    assert corners(slope) == [0, 2, 3]


def test_the_start_spreads_over_the_costs() -> None:
    chosen = start_design(COSTS, COSTS, [], np.arange(121), 5)
    assert {tuple(COSTS[row]) for row in chosen} == {(0, 0), (1, 1), (0, 1), (1, 0), (0.5, 0.5)}


def test_what_is_taken_is_not_chosen_and_keeps_others_away() -> None:
    taken = [0, 120]
    (row,) = start_design(COSTS, COSTS, taken, np.setdiff1d(np.arange(121), taken), 1)
    assert COSTS[row].tolist() in ([0.0, 1.0], [1.0, 0.0])


def test_without_costs_the_features_are_spread_and_all_of_few_are_taken_once() -> None:
    features = np.array([[0.0], [0.4], [1.0]])
    assert sorted(start_design(np.zeros((3, 0)), features, [], np.arange(3), 9)) == [0, 1, 2]
