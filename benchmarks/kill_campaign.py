"""Kills workers at random, and the database twice, during a search on PostgreSQL; counts what was lost.

    python benchmarks/kill_campaign.py --kills 50

Trainings are waits with rungs; everything around them is the real thing: storage, beats, claims, artifacts, restarts.
The exit status is 1 if a finished trial was lost, a trial is stuck, a candidate was trained twice, a kill cost more
than one rung, or the study has not as many trials as were asked for.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import optuna

sys.path.insert(0, str(Path(__file__).parent))

from postgres import Postgres
from waiting import open_waiting_study, work

from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.engine.opening import load_study
from splitsearch.searcher.engine.sharing.place import Place

_FORK = multiprocessing.get_context("fork")  # torch is imported once; what is killed is a process all the same


def main() -> None:
    """Runs the campaign and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database-kills", type=int, default=2)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--trials", type=int, default=0, help="default: as many as the kills take")
    parser.add_argument("--rungs", type=int, default=3)
    parser.add_argument("--rung-seconds", type=float, default=1.0)
    parser.add_argument("--pause", type=float, default=1.5, help="mean seconds between two kills")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    database = Postgres()
    database.start()
    root = Path(tempfile.mkdtemp(prefix="splitsearch-kills-"))
    try:
        found = campaign(database, root, asked)
    finally:
        database.stop()
    print(json.dumps(found, indent=1))
    if not found["passed"]:
        print(f"the folders of the workers are in {root}", file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(root)


def campaign(database: Postgres, root: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Searches and kills; returns counts."""
    place = Place(url=database.url(), study="kills", beat_seconds=1, grace_seconds=4)
    trials = asked.trials or max(20, asked.kills)
    begun = time.monotonic()
    _in_a_process(_make_study, place)
    rungs = (asked.rungs, asked.rung_seconds)
    crew = {number: _start(place, root, number, trials, rungs) for number in range(asked.workers)}
    draw = random.Random(asked.seed)
    plan = ["worker"] * asked.kills
    for number in range(asked.database_kills):
        plan.insert((number + 1) * len(plan) // (asked.database_kills + 1), "database")
    kills = Counter[str]()
    for victim in plan:
        time.sleep(draw.uniform(0.2, 2 * asked.pause - 0.2))
        if victim == "database":
            database.kill()
            time.sleep(draw.uniform(0.5, 3.0))
            database.start()
        elif not _kill_one(crew, draw):
            break
        kills[victim] += 1
        _replace(crew, place, root, trials, rungs, draw)
    while any(process.is_alive() for process in crew.values()):
        time.sleep(0.2)
        _replace(crew, place, root, trials, rungs, draw)
    return _count(place, root, trials, kills) | {"seconds": round(time.monotonic() - begun, 1)}


def _make_study(place: Place) -> None:
    open_waiting_study(place, "", 0)


def _in_a_process(function: Any, *arguments: Any) -> None:
    """Whoever forks must hold no connection."""
    process = _FORK.Process(target=function, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0


def _start(place: Place, root: Path, number: int, trials: int, rungs: tuple[int, float]) -> BaseProcess:
    process = _FORK.Process(target=work, args=(place, root, number, trials, rungs))
    process.start()
    return process


def _kill_one(crew: dict[int, BaseProcess], draw: random.Random) -> bool:
    alive = [process for process in crew.values() if process.is_alive()]
    if not alive:
        return False
    victim = draw.choice(alive)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    return True


def _replace(
    crew: dict[int, BaseProcess], place: Place, root: Path, trials: int, rungs: tuple[int, float], draw: random.Random
) -> None:
    """Starts another for each worker that was killed: in its folder, as a batch system does, or as another machine.

    The former knows at once what its predecessor left; of the latter only the missing beats tell.
    """
    for number, process in list(crew.items()):
        if not process.is_alive() and process.exitcode:
            del crew[number]
            other = number if draw.random() < 0.5 else 1000 + len(list(root.glob("worker*")))
            crew[other] = _start(place, root, other, trials, rungs)


def _count(place: Place, root: Path, trials: int, kills: Counter[str]) -> dict[str, Any]:
    study = load_study(place)
    states = Counter(trial.state.name for trial in study.trials)
    complete = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE and _own(t)]
    keys = Counter(trial.user_attrs["key"] for trial in complete)
    told = {line["key"] for file in root.glob("worker*/trials.jsonl") for line in read_lines(file) if line["curve"]}
    done = Counter(tuple(line.split()[:2]) for line in (root / "diary.txt").read_text(encoding="utf-8").splitlines())
    repeated = sum(done.values()) - len(done)
    found = {
        "kills": dict(kills),
        "trials_asked_for": trials,
        "candidates_trained": len(keys),
        "candidates_trained_twice": sum(count > 1 for count in keys.values()),
        "finished_trials_lost": len(told - set(keys)),
        "trials_stuck": states["RUNNING"] + states["WAITING"],
        "rungs_done": sum(done.values()),
        "rungs_repeated": repeated,
        "states": dict(states),
    }
    good = (
        len(keys) == trials
        and not found["candidates_trained_twice"]
        and not found["finished_trials_lost"]
        and not found["trials_stuck"]
        and repeated <= sum(kills.values())
    )
    return found | {"passed": good}


def _own(trial: Any) -> bool:
    return trial.user_attrs["result"]["repeat_of"] is None


if __name__ == "__main__":
    main()
