"""Spreads: closed forms, and sums against a simulation."""

import math
import random

import pytest

from splitsearch.profilers.spread import Z95, Spread


def test_what_is_fixed_has_no_tail() -> None:
    assert Spread.fixed(3.0) == Spread(mean_ms=3.0, p50_ms=3.0, p95_ms=3.0)


def test_normal_terms_add_up_exactly() -> None:
    total = Spread.total((Spread.normal(10.0, 3.0), Spread.normal(5.0, 4.0)))
    assert total.mean_ms == total.p50_ms == 15.0
    assert total.p95_ms == pytest.approx(15 + 1.6448536 * 5)


def test_one_term_that_varies_keeps_its_percentiles() -> None:
    skewed = Spread.lognormal(10.0, 48.0)
    total = Spread.total((skewed, Spread.fixed(7.0)))
    assert (total.p50_ms, total.p95_ms) == pytest.approx((17.0, 55.0))


def test_a_lognormal_has_the_mean_of_its_formula() -> None:
    found = Spread.lognormal(10.0, 10.0 * math.exp(Z95 * 0.5))
    assert found.mean_ms == pytest.approx(10 * math.exp(0.125))
    assert Spread.lognormal(10.0, 10.0) == Spread.fixed(10.0)


def test_a_sum_of_unlike_terms_is_near_a_simulation() -> None:
    """What the docstring of `total` promises."""
    draw = random.Random(0)
    wifi, sigma = Spread.lognormal(10.0, 48.0), math.log(4.8) / Z95
    waiting = Spread(mean_ms=20.0, p50_ms=20 * math.log(2), p95_ms=20 * math.log(20))
    seen = sorted(
        10 * math.exp(sigma * draw.gauss(0, 1)) + draw.expovariate(1 / 20) + draw.gauss(30, 2) for _ in range(200_000)
    )
    found = Spread.total((wifi, waiting, Spread.normal(30.0, 2.0)))
    assert found.mean_ms == pytest.approx(sum(seen) / len(seen), rel=0.01)
    assert found.p95_ms == pytest.approx(seen[190_000], rel=0.05)
