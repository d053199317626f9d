"""Results, there and back through an Optuna trial."""

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import TrialState, create_trial

from splitsearch.searcher.engine.filing import RESULT, filed, is_told, point_of, result_of, results_of
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig

OBJECTIVES = parse_objectives("accuracy,latency_ms")
DISTRIBUTIONS = {"channels": IntDistribution(0, 4)}


def result(state: str) -> TrialResult:
    config = SplitConfig(backbone="b", image_size=8, cut="x", head="mimic", channels=2, bits=8)
    data = {"trial": 7, "state": state, "key": config.key, "config": config.to_json(), "reason": "so it is"}
    return TrialResult.from_json(data | {"values": {"accuracy": 0.5, "latency_ms": 3.0}, "curve": [{"rung": 0}]})


@pytest.mark.parametrize("state", ["complete", "pruned", "failed"])
def test_a_filed_result_reads_back(state: str) -> None:
    trial = filed(result(state), {"channels": 2}, DISTRIBUTIONS, OBJECTIVES, {"worker": [3, "w"]})
    assert result_of(trial) == result(state)
    assert point_of(trial) == {"channels": 2}
    assert is_told(trial)
    assert trial.values == ([0.5, 3.0] if state == "complete" else None)
    assert trial.user_attrs["worker"] == [3, "w"]
    assert trial.user_attrs["reason"] == "so it is"


def test_a_result_without_its_state_is_not_told() -> None:
    whole = filed(result("complete"), {"channels": 2}, DISTRIBUTIONS, OBJECTIVES)
    left = create_trial(
        state=TrialState.FAIL, params={"channels": 2}, distributions=DISTRIBUTIONS, user_attrs=whole.user_attrs
    )
    assert RESULT in left.user_attrs
    assert not is_told(left)


def test_results_bear_the_numbers_of_the_study() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.ask()  # runs, and has no result
    study.add_trial(filed(result("complete"), {"channels": 2}, DISTRIBUTIONS, OBJECTIVES))
    assert [(found.trial, found.state) for found in results_of(study)] == [(1, "complete")]
