"""A training is stopped for what the study knows, and leaves an estimate."""

from dataclasses import replace

from splitsearch.searcher.engine.climb import Standing
from splitsearch.searcher.engine.dominance import Dominance
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig

CONFIG = SplitConfig(backbone="net", cut="a", head="original", channels=4, bits=8, image_size=32)
MIMIC = replace(CONFIG, head="mimic")


def finished(number: int, early: float, final: float, latency: float, **changes: object) -> TrialResult:
    facts = {
        "trial": number, "state": "complete", "key": str(number), "config": CONFIG.to_json(),
        "values": {"accuracy": final, "latency_ms": latency},
        "curve": [{"rung": 0, "accuracy": early}, {"rung": 1, "accuracy": final}],
    }  # fmt: skip
    return TrialResult.from_json(facts | changes)


def standing(accuracy: float, latency: float) -> Standing:
    curve = [{"rung": 0.0, "accuracy": accuracy}]
    return Standing(trial=20, config=CONFIG, values={"latency_ms": latency}, curve=curve)


def dominance(results: list[TrialResult]) -> Dominance:
    return Dominance(objectives=parse_objectives("accuracy,latency_ms"), depths={"a": 0.3}, results=lambda: results)


ENDED = [finished(number, 0.5 + 0.01 * number, 0.6 + 0.01 * number, 10.0) for number in range(10)]


def test_what_cannot_reach_the_front_is_stopped_with_its_estimate() -> None:
    rule = dominance(ENDED)
    reason = rule.stop(standing(0.2, 12.0))
    assert reason is not None
    assert "estimated" in reason
    estimate = rule.estimate(20)
    assert 0.25 < estimate["accuracy"] < 0.35
    assert estimate["deviation"] > 0
    assert rule.estimate(21) == {}


def test_new_heads_of_a_cut_gain_what_new_heads_gained_there() -> None:
    """Those that keep the backbone's head gain 0.1 at this cut, new ones 0.4."""
    new = [finished(20 + n, 0.3 + 0.01 * n, 0.7 + 0.01 * n, 10.0, config=MIMIC.to_json()) for n in range(10)]
    rule = dominance([*ENDED, *new])
    assert rule.stop(standing(0.45, 12.0)) is not None
    promising = replace(standing(0.45, 12.0), config=MIMIC)
    assert rule.stop(promising) is None


def test_what_is_cheaper_than_all_or_promises_more_goes_on() -> None:
    rule = dominance(ENDED)
    assert rule.stop(standing(0.2, 9.0)) is None
    assert rule.stop(standing(0.7, 12.0)) is None


def test_candidates_without_a_training_of_their_own_are_points_of_the_front_and_teach_no_gaps() -> None:
    shared = [finished(30, 0.0, 0.95, 5.0, curve=[], trained_by=3)]
    assert dominance(shared * 20).stop(standing(0.2, 12.0)) is None, "too few trainings have ended"
    reason = dominance([*ENDED, *shared]).stop(standing(0.6, 9.0))
    assert reason is not None
    assert "0.95" in reason


def test_repeats_and_stopped_trials_say_nothing() -> None:
    repeats = [finished(number, 0.1, 0.2, 1.0, repeat_of=0) for number in range(20)]
    stopped = [finished(number, 0.1, 0.2, 1.0, state="pruned") for number in range(20)]
    assert dominance([*repeats, *stopped]).stop(standing(0.0, 12.0)) is None


def test_a_training_goes_on_for_whatever_comes_with_it() -> None:
    own, dear = {"accuracy": 0.2, "latency_ms": 12.0}, {"accuracy": 0.2, "latency_ms": 14.0}
    rule, hopeless = dominance(ENDED), standing(0.2, 12.0)
    reason = rule.stop(replace(hopeless, family=(own, dear)))
    assert reason is not None
    assert "nor can the 1 that share its training" in reason
    assert rule.estimate(20)["accuracy"] < 0.35
    cheap, good = {"accuracy": 0.1, "latency_ms": 9.0}, {"accuracy": 0.7, "latency_ms": 14.0}
    assert rule.stop(replace(hopeless, family=(own, dear, cheap))) is None, "nothing costs as little"
    assert rule.stop(replace(hopeless, family=(own, good))) is None, "it may become the best"


def test_what_the_candidate_really_costs_counts() -> None:
    rule = dominance(ENDED)
    early = {"accuracy": 0.2, "latency_ms": 9.0}  # most images leave at its exit
    assert rule.stop(replace(standing(0.2, 12.0), family=(early,))) is None
