"""Results as data."""

from dataclasses import replace

from splitsearch.searcher.engine.results import Baseline, TrialResult, describe, is_refused, trained_count
from splitsearch.spaces.config import SplitConfig

CONFIG = SplitConfig(backbone="b", image_size=8, cut="x", head="mimic", channels=2, bits=8)
DONE = TrialResult(
    trial=3,
    state="complete",
    key=CONFIG.key,
    config=CONFIG.to_json(),
    values={"accuracy": 0.5, "latency_ms": 12.34, "payload_bytes": 70.0},
    curve=[{"loss": 1.0}],
    seconds=2.0,
)


def test_json_round_trip() -> None:
    result = TrialResult(
        trial=3,
        state="complete",
        key="k",
        config={"cut": "a"},
        values={"accuracy": 0.5},
        accuracy_interval=(0.4, 0.6),
        curve=[{"epoch": 1, "loss": 0.1}],
    )
    assert TrialResult.from_json(result.to_json()) == result
    assert TrialResult.from_json(result.to_json() | {"from_the_future": 1}) == result


def test_a_baseline_is_plain_data() -> None:
    baseline = Baseline(name="local", values={"accuracy": 1.0}, latency={}, macs={})
    assert baseline.to_json()["name"] == "local"


def test_a_trial_in_one_line() -> None:
    assert describe(DONE) == f"trial 3: {CONFIG}: accuracy 0.500, 12.3 ms, 70 bytes (2.0 s)"
    assert describe(replace(DONE, repeat_of=1)) == f"trial 3: {CONFIG}: known from trial 1"
    assert describe(replace(DONE, state="failed", reason="why")) == f"trial 3: {CONFIG}: failed, why"


def test_refusals() -> None:
    refused = TrialResult(trial=0, state="pruned", key="k", config={})
    assert is_refused(refused)
    assert not is_refused(replace(refused, curve=[{"loss": 1.0}]))


def test_what_was_trained_counts_once_whatever_came_of_it() -> None:
    refused = TrialResult(trial=0, state="pruned", key="other", config={})
    assert trained_count([DONE, replace(DONE, trial=4, repeat_of=3), refused]) == 1
    assert trained_count([DONE, replace(refused, state="failed")]) == 2
