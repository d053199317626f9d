"""The attainment surface against brute force, expected improvements against Monte Carlo and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.engine.pareto import hypervolume
from splitsearch.searcher.engine.samplers.attainment import (
    REFERENCE,
    attainment,
    budgets,
    expected_dominated,
    expected_improvement,
    improvement,
    within,
)

COSTS = np.array([[0.1, 0.8], [0.4, 0.4], [0.7, 0.1], [0.5, 0.9]])
GAINS = np.array([0.3, 0.5, 0.2, 0.9])


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=6), st.lists(st.tuples(*[st.integers(0, 3)] * 2)))
def test_the_surface_is_the_best_gain_within_each_budget(
    rows: list[tuple[int, ...]], places: list[tuple[int, ...]]
) -> None:
    points = np.array(places, dtype=float).reshape(-1, 2)
    found = attainment(
        np.array([row[:2] for row in rows], dtype=float).reshape(-1, 2),
        np.array([row[2] for row in rows], dtype=float),
        points,
        0.5,
    )
    for place, value in zip(places, found, strict=True):
        kept = [float(row[2]) for row in rows if row[0] <= place[0] and row[1] <= place[1]]
        assert value == max([0.5, *kept])


def test_budgets_fill_the_box_and_repeat_with_the_seed() -> None:
    box = budgets(3, 1024, 5)
    assert box.shape == (1024, 3)
    assert 0 <= box.min() < 0.01
    assert REFERENCE * 0.99 < box.max() <= REFERENCE
    assert np.array_equal(box, budgets(3, 1024, 5))
    assert not np.array_equal(box, budgets(3, 1024, 6))
    assert budgets(0, 1024, 0).shape == (1, 0)


def test_the_improvement_of_a_normal_against_sampling() -> None:
    drawn = np.random.default_rng(0).normal(0.4, 0.2, 400_000)
    for threshold in (0.0, 0.4, 0.7):
        expected = np.maximum(0, drawn - threshold).mean()
        found = improvement(np.array([0.4]), np.array([0.2]), np.array([threshold]))
        assert found[0] == pytest.approx(expected, rel=0.02)


def test_what_is_certain_improves_by_the_difference() -> None:
    found = improvement(np.array([0.9, 0.1]), np.zeros(2), np.array([0.5, 0.5]))
    assert found == pytest.approx([0.4, 0.0])


def test_the_expected_growth_of_the_volume_against_monte_carlo() -> None:
    """The exact hypervolume, once for each of many drawn outcomes, says what the integral must be."""
    floor, box = 0.0, budgets(2, 2**13, 1)
    candidates, mean, deviation = np.array([[0.3, 0.3], [0.6, 0.6]]), np.array([0.4, 0.8]), np.array([0.2, 0.1])
    found = expected_improvement(mean, deviation, within(candidates, box), attainment(COSTS, GAINS, box, floor))
    draw = np.random.default_rng(0)

    def volume(rows: list[list[float]]) -> float:
        return hypervolume(np.array(rows), [REFERENCE, REFERENCE, -floor])

    held = [[*cost, -gain] for cost, gain in zip(COSTS.tolist(), GAINS.tolist(), strict=True)]
    for place in range(2):
        outcomes = draw.normal(mean[place], deviation[place], 3000)
        grown = [volume([*held, [*candidates[place], -gain]]) - volume(held) for gain in outcomes]
        assert found[place] * REFERENCE**2 == pytest.approx(np.mean(grown), rel=0.05)


def test_many_levels_are_rounded_up_so_that_nothing_is_promised() -> None:
    box = budgets(1, 512, 0)
    thresholds = np.linspace(0, 1, 512)
    mean, deviation, allowed = np.array([0.5]), np.array([0.1]), np.ones((1, 512), dtype=bool)
    exact = improvement(mean[:, None], deviation[:, None], thresholds[None]).mean()
    found = expected_improvement(mean, deviation, allowed, thresholds)[0]
    assert box.shape == (512, 1)
    assert exact * 0.9 < found <= exact * (1 + 1e-9)


def test_the_expected_dominated_volume_of_two_unknown_objectives_against_monte_carlo() -> None:
    mean, deviation = np.array([[0.6, 0.4]]), np.array([[0.2, 0.3]])
    box = budgets(3, 2**12, 2)
    held_costs, held_gains = np.array([[0.2], [0.5]]), np.array([[0.3, 0.7], [0.8, 0.2]])
    wanted = box[:, 1:] / REFERENCE
    vacant = ~(within(held_costs, box[:, :1]) & within(-held_gains, -wanted)).any(axis=0)
    found = expected_dominated(mean, deviation, within(np.array([[0.3]]), box[:, :1])[:, vacant], wanted[vacant])
    outcomes = np.clip(np.random.default_rng(0).normal(mean[0], deviation[0], (3000, 2)), None, 1.0)
    held = np.hstack([held_costs, -held_gains])
    corner = [REFERENCE, 0.0, 0.0]
    before = hypervolume(held, corner)
    grown = [hypervolume(np.vstack([held, [0.3, -a, -b]]), corner) - before for a, b in outcomes]
    assert found[0] * vacant.mean() * REFERENCE == pytest.approx(np.mean(grown), rel=0.05)


def test_without_known_costs_it_is_expected_improvement() -> None:
    box = budgets(0, 64, 0)
    thresholds = attainment(np.zeros((2, 0)), np.array([0.2, 0.6]), box, 0.0)
    found = expected_improvement(np.array([0.5]), np.array([0.1]), within(np.zeros((1, 0)), box), thresholds)
    assert found[0] == pytest.approx(improvement(np.array([0.5]), np.array([0.1]), np.array([0.6]))[0])
