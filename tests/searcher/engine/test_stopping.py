"""Dominance stopping, in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.engine.stopping import GapModel, Standing, Trajectory, best_within, judge


def trajectory(accuracy: float, final: float, cut: str = "a", depth: float = 0.5, cost: float = 1.0) -> Trajectory:
    return Trajectory(kind=cut, depth=depth, costs=(cost,), accuracies=(accuracy,), final=final)


def standing(accuracy: float, cut: str = "a", depth: float = 0.5, cost: float = 1.0) -> Standing:
    return Standing(kind=cut, depth=depth, costs=(cost,), accuracies=(accuracy,))


DRAW = np.random.default_rng(0)


def grown(count: int, noise: float = 0.01) -> list[Trajectory]:
    """Early cuts gain most late: the gap falls with the depth and with the accuracy."""
    found = []
    for number in range(count):
        depth, accuracy = number % 4 / 3, float(DRAW.uniform(0.3, 0.8))
        gap = 0.4 - 0.2 * depth - 0.3 * accuracy + float(DRAW.normal(0, noise))
        found.append(trajectory(accuracy, accuracy + gap, cut=str(number % 4), depth=depth))
    return found


def test_many_trainings_teach_the_plane_that_they_lie_on() -> None:
    model = GapModel(grown(200), 0)
    for depth, cut in ((0.0, "0"), (1.0, "3")):
        estimate, deviation = model.predict(standing(0.5, cut, depth))
        assert estimate == pytest.approx(0.5 + 0.4 - 0.2 * depth - 0.15, abs=0.01)
        assert deviation == pytest.approx(0.01, rel=0.3)


def test_few_trainings_promise_little_and_a_new_cut_less() -> None:
    few, many = GapModel(grown(8), 0), GapModel(grown(200), 0)
    assert few.predict(standing(0.5, "0", 0.0))[1] > 1.5 * many.predict(standing(0.5, "0", 0.0))[1]
    assert many.predict(standing(0.5, "new", 0.0))[1] > many.predict(standing(0.5, "0", 0.0))[1]


def test_the_deviation_covers_what_happens() -> None:
    model, inside = GapModel(grown(40, 0.05), 0), 0
    for one in (fresh := grown(200, 0.05)):
        estimate, deviation = model.predict(one)
        inside += abs(one.final - estimate) <= 2 * deviation
    assert inside >= 0.9 * len(fresh)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=6), st.integers(0, 3))
def test_the_surface_is_the_best_that_costs_no_more(rows: list[tuple[int, int]], cost: int) -> None:
    finished = [trajectory(0.0, float(final), cost=float(price)) for price, final in rows]
    kept = [float(final) for price, final in rows if price <= cost]
    assert best_within((float(cost),), finished) == max(kept, default=-np.inf)


def test_what_cannot_enter_the_front_is_stopped_with_the_reason() -> None:
    finished = [*grown(40), trajectory(0.7, 0.99, cost=0.5)]
    verdict = judge(standing(0.3, "0", 0.0), finished)
    assert verdict is not None
    assert verdict.estimate == pytest.approx(0.3 + 0.4 - 0.09, abs=0.05)
    assert verdict.estimate + 2 * verdict.deviation < 0.99
    assert "stopped at rung 0: accuracy 0.3 promises" in verdict.reason
    assert "where 0.99 costs no more" in verdict.reason


def test_what_is_cheaper_than_all_that_is_better_goes_on() -> None:
    finished = [*grown(40), trajectory(0.7, 0.99, cost=0.5)]
    assert judge(standing(0.3, "0", 0.0, cost=0.4), finished) is None


def test_nothing_is_stopped_among_the_first() -> None:
    finished = [trajectory(0.8, 0.81) for _ in range(8)]
    assert judge(standing(0.1), finished[:7]) is None
    assert judge(standing(0.1), finished) is not None
    assert judge(standing(0.1), finished, startup=9) is None


def test_optimism_keeps_what_might_still_come() -> None:
    finished = grown(40, 0.05)
    best = best_within((1.0,), finished)
    model = GapModel(finished, 0)
    estimate, deviation = model.predict(standing(0.4, "1", 1 / 3))
    reach = (best - estimate) / deviation
    assert judge(standing(0.4, "1", 1 / 3), finished, z=reach + 0.1) is None
    assert judge(standing(0.4, "1", 1 / 3), finished, z=reach - 0.1) is not None


def test_a_rung_that_nobody_reached_decides_nothing() -> None:
    later = Standing(kind="a", depth=0.5, costs=(1.0,), accuracies=(0.1, 0.1))
    assert judge(later, grown(40)) is None
