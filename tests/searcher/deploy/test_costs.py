"""What an image costs that goes on, and one that leaves."""

from dataclasses import replace

import pytest

from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.costs import costs_of, expected_latency_ms
from splitsearch.searcher.deploy.outcomes import run_halves
from splitsearch.searcher.deploy.rebuild import torch_pair
from splitsearch.searcher.deploy.restore import target_of
from splitsearch.spaces.errors import UserError


def test_costs_are_those_of_the_run(candidate: Chosen) -> None:
    restored = candidate.restored
    outcomes = run_halves(torch_pair(restored.model, restored.config), restored.data.val)
    costs = costs_of(candidate.settings, restored.model, outcomes, restored.config)
    profile = Profiler(target_of(candidate.settings)).profile(restored.model)
    assert profile.exit is not None
    assert costs["source"] == "estimated"
    assert costs["full"]["latency_ms"] == pytest.approx(profile.latency.total_ms)
    for rate in (0.0, 0.3, 1.0):
        assert expected_latency_ms(costs, rate) == pytest.approx(profile.expected(rate)["latency_ms"])
    assert expected_latency_ms(costs | {"exit": None}, 0.5) == costs["full"]["latency_ms"]


def test_a_profile_that_is_gone(candidate: Chosen) -> None:
    with pytest.raises(UserError, match="neither a file nor a shipped name"):
        target_of(replace(candidate.settings, device_profile="gone.json"))
