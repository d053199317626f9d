"""The sampler in plain Optuna studies, as anyone would use it."""

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from splitsearch.searcher.engine.pareto import hypervolume
from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.samplers.known_cost import KnownCostSampler

POINTS = [{"cut": a, "channels": b, "head": c} for a in range(6) for b in (1, 2, 4, 8) for c in ("mimic", "original")]


def costs(point: dict[str, Any], count: int) -> list[float]:
    ms = 1.0 + point["cut"] + 0.1 * point["channels"]
    return [ms, point["channels"] * 100.0 / (1 + point["cut"]), 10.0 + point["cut"] ** 2][:count]


def accuracy(point: dict[str, Any]) -> float:
    return 1 - 0.5 / (point["channels"] + point["cut"]) - 0.05 * (point["head"] == "original")


def knowledge(count: int = 2) -> Knowledge:
    names = ["ms", "bytes", "macs"][:count]
    return Knowledge(
        objectives={"accuracy": "maximize"} | dict.fromkeys(names, "minimize"),
        points=POINTS,
        known={name: [costs(point, count)[k] for point in POINTS] for k, name in enumerate(names)},
    )


def ask(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "cut": trial.suggest_int("cut", 0, 5),
        "channels": trial.suggest_categorical("channels", [1, 2, 4, 8]),
        "head": trial.suggest_categorical("head", ["original", "mimic"]),
    }


def study(count: int = 2, seed: int = 0) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        directions=["maximize", *["minimize"] * count], sampler=KnownCostSampler(knowledge(count), seed=seed)
    )


def keys(found: optuna.Study) -> list[tuple[Any, ...]]:
    return [tuple(trial.params[name] for name in POINTS[0]) for trial in found.trials]


@pytest.mark.parametrize("count", [2, 3])
def test_a_plain_study_finds_the_front_and_repeats_nothing(count: int) -> None:
    found = study(count)

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        point = ask(trial)
        return (accuracy(point), *costs(point, count))

    found.optimize(objective, n_trials=20)
    assert len(set(keys(found))) == 20
    best = np.array([[-accuracy(point), *costs(point, count)] for point in POINTS])
    reached = np.array([[-trial.values[0], *trial.values[1:]] for trial in found.trials])
    corner = [0.0, *(best[:, 1:].max(axis=0) * 1.1)]
    assert hypervolume(reached, corner) > 0.97 * hypervolume(best, corner)


def run(seed: int, trials: int = 12) -> optuna.Study:
    found = study(seed=seed)
    for _ in range(trials):
        trial = found.ask()
        point = ask(trial)
        found.tell(trial, [accuracy(point), *costs(point, 2)])
    return found


def test_the_seed_decides_and_a_new_process_goes_on_as_the_old_one_would() -> None:
    whole = run(1)
    assert keys(whole) == keys(run(1))
    resumed = study(seed=1)
    resumed.add_trials(whole.trials[:11])
    ask(resumed.ask())
    assert keys(resumed)[11] == keys(whole)[11]


def test_running_trials_are_not_suggested_again_before_their_parameters_are_asked_for() -> None:
    found = run(0, 10)
    waiting = [found.ask() for _ in range(5)]
    points = [ask(trial) for trial in waiting]
    assert len({tuple(point.values()) for point in points} | set(keys(found)[:10])) == 15


def test_enqueued_trials_keep_what_they_fix() -> None:
    found = study()
    found.enqueue_trial({"cut": 3, "channels": 2, "head": "original"})
    found.enqueue_trial({"cut": 4})
    assert tuple(ask(found.ask()).values()) == (3, 2, "original")
    assert ask(found.ask())["cut"] == 4
    assert len(set(keys(found))) == 2


def test_constraints_and_stopped_trials_are_taken_as_they_are() -> None:
    found = study()
    for number in range(14):
        trial = found.ask()
        point = ask(trial)
        trial.set_constraint("memory", point["cut"] - 3.5)
        if number % 4 == 3:
            trial.set_user_attr("accuracy_estimate", 0.5)
            trial.set_user_attr("accuracy_estimate_deviation", 0.1)
            found.tell(trial, state=TrialState.PRUNED)
        elif number % 4 == 2:
            found.tell(trial, state=TrialState.FAIL)
        else:
            found.tell(trial, [accuracy(point), *costs(point, 2)])
    assert len(set(keys(found))) == 14


def test_a_pool_that_is_tried_out_repeats_points_of_it() -> None:
    found = study()
    for point in POINTS:
        found.enqueue_trial(point)
    for _ in range(len(POINTS) + 2):
        trial = found.ask()
        point = ask(trial)
        found.tell(trial, [accuracy(point), *costs(point, 2)])
    assert set(keys(found)) == {tuple(point.values()) for point in POINTS}


def test_a_parameter_beside_the_pool_is_drawn_and_one_outside_its_range_is_an_error() -> None:
    found = study()
    trial = found.ask()
    assert 0 <= trial.suggest_float("rate", 0, 1) <= 1
    with pytest.raises(ValueError, match="lies outside"):
        trial.suggest_int("cut", 10, 20)


def test_a_study_of_other_directions_is_refused() -> None:
    other = optuna.create_study(directions=["maximize"], sampler=KnownCostSampler(knowledge()))
    with pytest.raises(ValueError, match=r"the study has the directions \['maximize'\], the knowledge"):
        other.ask()
