"""What a run's pool tells the sampler."""

import pytest

from splitsearch.profilers.pool import Pool, profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.engine.objectives import Budgets, parse_objectives
from splitsearch.searcher.engine.pool_knowledge import knowledge_of, neighbours
from splitsearch.spaces.space.space import Exclusion, SearchSpace
from splitsearch.spaces.variants.variants import Variants

SPACE = SearchSpace(
    backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("original", "mimic"), channels=(1, 2, 12), bits=(4, 8)
)
OBJECTIVES = parse_objectives("accuracy,latency_ms,payload_bytes")


@pytest.fixture
def pool(variants: Variants, profiler: Profiler) -> Pool:
    return profile_pool(SPACE, variants, profiler)


def test_feasible_candidates_with_all_but_accuracy(pool: Pool) -> None:
    knowledge = knowledge_of(SPACE, pool, OBJECTIVES, Budgets())
    assert knowledge.unknown == ("accuracy",)
    assert len(knowledge.points) == len(pool.profiles)
    assert knowledge.grow is None
    assert knowledge.nominal == {"cut", "head"}, "names, whatever numbers stand for them"
    config = SPACE.at(knowledge.points[3])
    assert knowledge.known["payload_bytes"][3] == pool.profiles[config].values["payload_bytes"]
    limit = sorted(knowledge.known["payload_bytes"])[4]
    within = knowledge_of(SPACE, pool, OBJECTIVES, Budgets(max_payload_bytes=limit))
    assert max(within.known["payload_bytes"]) == limit


def test_neighbours_are_one_step_along_one_axis(pool: Pool) -> None:
    config = SPACE.at({"cut": 0, "head": 1, "channels": 1, "bits": 0})
    found = neighbours(SPACE, config)
    origin = SPACE.point(config)
    assert len(found) == 5
    for other in found:
        assert sum(abs(a - b) for a, b in zip(SPACE.point(other).values(), origin.values(), strict=True)) == 1


def test_a_sampled_pool_grows_and_excluded_or_dear_neighbours_stay_out(variants: Variants, profiler: Profiler) -> None:
    reason = Exclusion(terms={"head": ["original"]}, reason="no")
    space = SearchSpace(
        backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("original", "mimic"), channels=(1, 2, 12), bits=(4, 8),
        exclude=[reason],
    )  # fmt: skip
    whole = profile_pool(space, variants, profiler)
    first = space.at({"cut": 1, "head": 1, "channels": 0, "bits": 0})
    sample = Pool(cost=whole.cost, profiles={first: whole.profiles[first]})
    dear = space.at({"cut": 0, "head": 1, "channels": 0, "bits": 0})
    budget = Budgets(max_payload_bytes=whole.profiles[dear].values["payload_bytes"] - 1)
    knowledge = knowledge_of(space, sample, OBJECTIVES, budget)
    assert knowledge.grow is not None
    joined = [space.at(point) for point, _ in knowledge.grow([space.point(first)])]
    assert joined
    assert dear not in joined
    assert all(config.head == "mimic" and config in sample.profiles for config in joined)
