"""Waiting at the server: closed forms, identities, a simulation."""

import math
import random

import pytest

from splitsearch.profilers.queueing import check_load, waited_at_most, waiting
from splitsearch.profilers.spread import Spread


def test_the_mean_is_that_of_pollaczek_and_khinchine() -> None:
    assert waiting(0.5, 10.0).mean_ms == pytest.approx(5.0)
    assert waiting(0.9, 10.0).mean_ms == pytest.approx(45.0)


def test_nobody_waits_for_an_idle_server_or_for_no_work() -> None:
    assert waiting(0.0, 10.0) == waiting(0.5, 0.0) == Spread.fixed(0.0)


@pytest.mark.parametrize("load", [0.01, 0.3, 0.7, 0.99])
def test_the_first_terms_are_erlangs(load: float) -> None:
    """For less than one service time: (1 - load) * exp(load * time); for less than two, one term more."""
    assert waited_at_most(load, 0.0) == pytest.approx(1 - load)
    assert waited_at_most(load, 0.6) == pytest.approx((1 - load) * math.exp(load * 0.6))
    second = (1 - load) * (math.exp(load * 1.6) - load * 0.6 * math.exp(load * 0.6))
    assert waited_at_most(load, 1.6) == pytest.approx(second)


@pytest.mark.parametrize("load", [0.2, 0.6, 0.95])
def test_the_distribution_has_the_mean(load: float) -> None:
    """The mean is the integral of the probability of waiting longer."""
    step, longest = 0.01, 20 / (1 - load)
    points = [waited_at_most(load, (k + 0.5) * step) for k in range(int(longest / step))]
    assert sum((1 - point) * step for point in points) == pytest.approx(waiting(load, 1.0).mean_ms, rel=0.01)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.9, 0.99])
def test_percentiles_invert_the_distribution(load: float) -> None:
    found = waiting(load, 2.0)
    assert waited_at_most(load, found.p95_ms / 2) == pytest.approx(0.95, abs=1e-9)
    if load > 0.5:
        assert waited_at_most(load, found.p50_ms / 2) == pytest.approx(0.5, abs=1e-9)
    else:
        assert found.p50_ms == 0.0, "more than half find the server free"


def test_a_simulation_agrees() -> None:
    draw, waited, seen = random.Random(1), 0.0, []
    for _ in range(200_000):
        seen.append(waited)
        waited = max(0.0, waited + 1 - draw.expovariate(0.6))
    seen.sort()
    found = waiting(0.6, 1.0)
    assert found.p50_ms == pytest.approx(seen[100_000], abs=0.02)
    assert found.p95_ms == pytest.approx(seen[190_000], rel=0.02)


@pytest.mark.parametrize("load", [-0.1, 1.0, 3.0, math.nan])
def test_a_load_is_a_share(load: float) -> None:
    assert "must lie in 0 … 0.999" in (check_load(load) or "")
    assert check_load(0.0) is check_load(0.999) is None
