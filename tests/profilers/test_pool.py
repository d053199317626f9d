"""The whole space at once."""

from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants


def test_every_candidate_is_costed_or_explained(variants: Variants, profiler: Profiler) -> None:
    space = SearchSpace(
        backbone="net", image_size=32, cuts=("0.2", "1.2"), heads=("original", "mimic"), channels=(2, 12), bits=(4,)
    )
    heard: list[tuple[int, int]] = []
    pool = profile_pool(space, variants, profiler, lambda done, total: heard.append((done, total)))
    assert len(pool.profiles) + len(pool.impossible) == len(space) == len(heard)
    # Twelve channels are above the eight of the first cut.
    assert {config.cut for config in pool.impossible} == {"0.2"}
    assert all("above the 8 channels" in reason for reason in pool.impossible.values())
    for config, profile in pool.profiles.items():
        assert profile == profiler.profile(assemble(config, variants))
