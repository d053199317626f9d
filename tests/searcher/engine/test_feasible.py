"""Corners of the known costs, and budgets that nothing fits."""

import pytest

from splitsearch.profilers.pool import Pool, profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.engine.feasible import extremes, require_feasible
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.spaces.errors import NothingFeasibleError
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants

SPACE = SearchSpace(
    backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("original", "mimic"), channels=(1, 2, 12), bits=(4, 8)
)


@pytest.fixture
def pool(variants: Variants, profiler: Profiler) -> Pool:
    return profile_pool(SPACE, variants, profiler)


def test_extremes_are_the_corners_of_the_known_costs(pool: Pool) -> None:
    corners = extremes(pool, list(pool.profiles))
    values = [profile.values for profile in pool.profiles.values()]
    assert pool.profiles[corners[0]].latency.total_ms == min(value["latency_ms"] for value in values)
    assert min(pool.profiles[c].payload_bytes for c in corners) == min(value["payload_bytes"] for value in values)
    assert max(c.channels * c.bits for c in corners) == 96


def test_contradictory_budgets_name_the_nearest_candidate(pool: Pool) -> None:
    with pytest.raises(NothingFeasibleError, match=r"the nearest is .*: payload_bytes \d+ is above the budget of 1"):
        require_feasible(pool, Budgets(max_payload_bytes=1))
    assert require_feasible(pool, Budgets()) == list(pool.profiles)
    with pytest.raises(NothingFeasibleError, match="can exist"):
        require_feasible(Pool(cost=pool.cost, impossible=pool.impossible), Budgets())
