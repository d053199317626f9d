"""Costs of a trained candidate on another target."""

from dataclasses import replace

import pytest

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.pool import Pool, profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.profilers.target import Target
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.recost import recost
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants

SPACE = SearchSpace(
    backbone="net", image_size=32, cuts=("0.2", "1.2"), heads=("mimic",), channels=(2, 12), bits=(4, 8),
    exit_cuts=(None, "0.2"), exit_thresholds=(0.5,),
)  # fmt: skip


@pytest.fixture
def target(device: DeviceProfile) -> Target:
    return Target(device=device, server=device, network=load_network("wifi"))


@pytest.fixture
def pool(variants: Variants, target: Target) -> Pool:
    return profile_pool(SPACE, variants, Profiler(target))


def trained(config: SplitConfig, **values: float) -> TrialResult:
    return TrialResult(
        trial=3, state="complete", key=config.key, config=config.to_json(), curve=[{"loss": 1.0}], seconds=9.0,
        values={"accuracy": 0.8, "latency_ms": 1e6} | values,
    )  # fmt: skip


def test_costs_are_the_targets_and_accuracy_stays(pool: Pool, target: Target) -> None:
    for config, profile in pool.profiles.items():
        if config.exit_cut is not None:
            continue
        old = trained(config, payload_bytes=profile.payload_bytes)
        new = recost(old, pool, target, Budgets())
        assert new.values == profile.values | {"accuracy": 0.8}
        assert (new.state, new.seconds, new.curve) == ("complete", 0.0, old.curve)
        assert new.macs["device"] == profile.device_macs


def test_measured_bytes_and_exits_stay(pool: Pool, target: Target) -> None:
    config = next(c for c in pool.profiles if c.exit_cut is not None)
    profile = pool.profiles[config]
    sent = 0.5 * profile.payload_bytes  # a coding halved it
    new = recost(trained(config, payload_bytes=0.75 * sent, exit_rate=0.25), pool, target, Budgets())
    expected = profile.resent(target, sent).expected(0.25)
    assert new.values["latency_ms"] == pytest.approx(expected["latency_ms"])
    assert (new.values["payload_bytes"], new.values["exit_rate"]) == (0.75 * sent, 0.25)


def test_what_breaks_a_budget_or_cannot_exist_is_pruned(pool: Pool, target: Target) -> None:
    config, profile = next(iter(pool.profiles.items()))
    old = trained(config, payload_bytes=profile.payload_bytes)
    assert "above the budget" in (recost(old, pool, target, Budgets(max_payload_bytes=1)).reason or "")
    impossible = Pool(cost=pool.cost, impossible={config: "too wide"})
    new = recost(old, impossible, target, Budgets())
    assert (new.state, new.reason) == ("pruned", "too wide")
    assert replace(new, state="complete", reason=None, seconds=9.0) == old
