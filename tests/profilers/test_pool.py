"""The whole space at once."""

import pytest
import torch
from torch import nn

from splitsearch.profilers import pool as pool_module
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


def test_a_large_space_is_drawn_in_families(
    variants: Variants, profiler: Profiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "WHOLE", 10)
    monkeypatch.setattr(pool_module, "_FAMILIES", 3)
    space = SearchSpace(
        backbone="net",
        image_size=32,
        cuts=("0.2", "1.2"),
        heads=("original",),
        channels=tuple(range(1, 9)),
        bits=(2, 4, 8),
        tail_prunings=(0.0, 0.25, 0.5),
    )
    pool = profile_pool(space, variants, profiler, drawn=60)
    found = [*pool.profiles, *pool.impossible]
    assert all(config in space for config in found)
    assert 20 < len(found) <= 60
    # Three families: no more than three kinds of tail were ever pruned.
    assert len({(config.tail_pruning, config.cut if config.tail_pruning else "") for config in found}) <= 3
    again = profile_pool(space, variants, profiler, drawn=60)
    assert [*again.profiles] == [*pool.profiles]
    assert profile_pool(space, variants, profiler, drawn=60, seed=1).profiles.keys() != pool.profiles.keys()


def test_costing_builds_no_module_twice(
    variants: Variants, profiler: Profiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = SearchSpace(
        backbone="net", image_size=32, cuts=("1.2",), heads=("original",), channels=(2, 3), bits=(2, 4, 8)
    )
    profile_pool(space, variants, profiler)

    def refuse(*_: object, **__: object) -> torch.Tensor:
        raise AssertionError("a stage whose costs are known was built")

    monkeypatch.setattr(nn.Conv2d, "__init__", refuse)
    assert len(profile_pool(space, variants, profiler).profiles) == 6
