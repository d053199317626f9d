"""The study as the source of truth."""

from pathlib import Path

import optuna

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.opening import storage_url
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.sharing.place import STUDY_NAME
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.spaces.space.space import SearchSpace

SPACE = SearchSpace(backbone="b", image_size=8, cuts=("x", "y"), heads=("mimic",), channels=(1, 2), bits=(4,))


def study(run: Path) -> RunStudy:
    return RunStudy(run, SPACE, parse_objectives("accuracy,latency_ms"), make_sampler("random", 0))


def result(number: int, state: str = "complete", reason: str | None = None) -> TrialResult:
    return TrialResult.from_json(
        {
            "trial": number,
            "state": state,
            "key": str(number),
            "config": SPACE.at({"cut": 0, "head": 0, "channels": 0, "bits": 0}).to_json(),
            "values": {"accuracy": 0.5, "latency_ms": 3.0},
            "reason": reason,
        }
    )


def test_plain_optuna_reads_names_values_and_reasons(tmp_path: Path) -> None:
    mine = study(tmp_path)
    for state, reason in (("complete", None), ("pruned", "over budget"), ("failed", "diverged")):
        trial, _ = mine.ask()
        mine.tell(trial, result(trial.number, state, reason))
    theirs = optuna.load_study(study_name=STUDY_NAME, storage=storage_url(tmp_path))
    assert theirs.metric_names == ["accuracy", "latency_ms"]
    assert [trial.state.name for trial in theirs.trials] == ["COMPLETE", "PRUNED", "FAIL"]
    assert theirs.trials[0].values == [0.5, 3.0]
    assert theirs.trials[1].user_attrs["reason"] == "over budget"


def test_results_survive_the_process(tmp_path: Path) -> None:
    mine = study(tmp_path)
    trial, _ = mine.ask()
    mine.tell(trial, result(trial.number))
    mine.describe({"reference_point": {"accuracy": 0.0}})
    again = study(tmp_path)
    assert again.results() == [result(0)]
    assert again.facts["reference_point"] == {"accuracy": 0.0}


def test_a_trial_left_running_is_closed_and_its_point_returned(tmp_path: Path) -> None:
    _, point = study(tmp_path).ask()
    again = study(tmp_path)
    assert again.recover() == [point]
    assert again.recover() == []
    again.enqueue(point, again=True)
    assert again.ask()[1] == point


def test_an_abandoned_trial_is_asked_again_first(tmp_path: Path) -> None:
    mine = study(tmp_path)
    trial, point = mine.ask()
    mine.abandon(trial)
    assert mine.results() == []
    assert study(tmp_path).ask()[1] == point


def test_a_candidate_that_was_told_late_by_another_counts_once(tmp_path: Path) -> None:
    mine = study(tmp_path)
    first, _ = mine.ask()
    late = TrialResult.from_json(result(first.number).to_json() | {"key": "same"})
    mine.abandon(first, "worker died", again=False)
    second, _ = mine.ask()
    mine.tell_late(late)  # its worker came back, while the second trains
    mine.tell(second, TrialResult.from_json(late.to_json() | {"trial": second.number}))
    assert [(told.trial, told.repeat_of) for told in mine.results()] == [(1, 2), (2, None)]
