"""Results as data."""

from splitsearch.searcher.engine.results import Baseline, TrialResult


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
