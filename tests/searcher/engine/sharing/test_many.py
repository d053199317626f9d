"""Several workers on a real PostgreSQL."""

import json
import multiprocessing
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import open_waiting_study, work

from splitsearch.profilers.timing import pause
from splitsearch.searcher.engine.opening import load_study
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place

ROOT = Path(__file__).parents[4]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_no_candidate_twice_and_none_too_many(database: Callable[[str], Place], tmp_path: Path) -> None:
    place = database("many")
    fork = multiprocessing.get_context("fork")
    crew = [fork.Process(target=work, args=(place, tmp_path, n, 12, (2, 0.02))) for n in range(3)]
    for worker in crew:
        worker.start()
    for worker in crew:
        worker.join()
    assert [worker.exitcode for worker in crew] == [0, 0, 0]
    trials = load_study(place).trials
    trained = [t for t in trials if "result" in t.user_attrs and t.user_attrs["result"]["repeat_of"] is None]
    assert Counter(t.user_attrs["key"] for t in trained).most_common(1)[0][1] == 1
    assert len(trained) == 12
    assert all(t.state.is_finished() for t in trials)


def test_a_silent_worker_s_trial_goes_to_another(database: Callable[[str], Place]) -> None:
    place = database("silent")
    dead, alive = (open_waiting_study(place, name, 0, Patience()) for name in ("dead", "alive"))
    trial, point = dead.ask()
    dead._study._storage.record_heartbeat(trial._trial_id)
    trial.set_user_attr("worker", [trial.number, "dead"])
    alive.patience.calm._start -= 100  # it has had an answering storage for long
    for _ in range(100):
        alive.reap()
        if not alive.running():
            break
        pause(0.1)
    _, again = alive.ask()
    assert again == point


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_of_workers_and_of_the_database(database: Callable[[str], Place]) -> None:
    script = ROOT / "benchmarks" / "kill_campaign.py"
    flags = ["--kills", "5", "--database-kills", "1", "--workers", "2", "--trials", "10", "--rung-seconds", "0.5"]
    done = subprocess.run([sys.executable, str(script), *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["passed"]
