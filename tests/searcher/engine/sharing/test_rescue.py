"""What dead workers leave, on a journal; a real database stands in test_many."""

from pathlib import Path

import pytest
from optuna.trial import TrialState
from waiting import SPACE, Waiter, make_pool, open_waiting_study

from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.study import RunStudy


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(url=f"journal:{tmp_path / 'journal'}", study="waits", beat_seconds=1, grace_seconds=2)


def die(study: RunStudy) -> dict[str, int]:
    """A worker asks, signs, starts to train, and is gone."""
    trial, point = study.ask()
    trial.set_user_attr("worker", [trial.number, study.worker])
    trial.set_user_attr("started", trial.number)
    return point


def tell(study: RunStudy, folder: Path) -> None:
    trial, point = study.ask()
    waiter = Waiter(
        pool=make_pool(), checkpoints=folder, budgets=Budgets(), rungs=1, seconds=0.0, diary=folder / "diary.txt"
    )
    study.tell(trial, waiter.evaluate_family(trial.number, SPACE.at(point)).result)


def states(study: RunStudy) -> list[TrialState]:
    return [trial.state for trial in study.optuna_study.trials]


def test_a_dead_worker_s_trial_is_asked_again_first(place: Place) -> None:
    dead, alive = open_waiting_study(place, "dead", 0), open_waiting_study(place, "alive", 1)
    point = die(dead)
    alive.release("somebody else")
    assert states(alive) == [TrialState.RUNNING]
    alive.release("dead")
    assert states(alive) == [TrialState.FAIL, TrialState.WAITING]
    assert alive.ask()[1] == point


def test_what_three_workers_died_of_is_not_tried_a_fourth_time(place: Place) -> None:
    for number in range(3):
        study = open_waiting_study(place, f"worker {number}", 0)
        die(study)
        study.release(study.worker)
    (blamed,) = open_waiting_study(place, "alive", 1).results()
    assert (blamed.state, blamed.reason) == ("failed", "3 workers died while they trained it")


def test_an_orphan_that_two_workers_asked_for_leaves_nothing_waiting(place: Place, tmp_path: Path) -> None:
    study = open_waiting_study(place, "dead", 0)
    die(study)
    study.release("dead")
    orphan = study.optuna_study.trials[0]
    study._rescue.retry(orphan)  # another worker saw it at the same moment
    tell(study, tmp_path)
    assert states(study) == [TrialState.FAIL, TrialState.COMPLETE, TrialState.WAITING]
    study.withdraw()
    study.reap()
    assert states(study) == [TrialState.FAIL, TrialState.COMPLETE, TrialState.FAIL]


def test_what_the_budget_did_not_reach_is_asked_again_when_the_run_goes_on(place: Place) -> None:
    study = open_waiting_study(place, "dead", 0)
    point = die(study)
    study.release("dead")
    study.withdraw()
    assert TrialState.WAITING not in states(study)
    study.reap()
    assert study.ask()[1] == point


def test_a_point_that_its_user_wished_for_stays(place: Place) -> None:
    study = open_waiting_study(place, "w", 0)
    study.enqueue(SPACE.point(next(iter(SPACE))))
    study.withdraw()
    assert states(study) == [TrialState.WAITING]
