"""Throughput of 1, 2 and 4 workers on PostgreSQL, with trainings replaced by waits, and what the storage costs a trial.

    python benchmarks/workers.py --trials 40 --rung-seconds 1

Linear is what one worker would do N times; the waits take no processor, so a machine of few cores can show it.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from postgres import Postgres
from waiting import open_waiting_study, work

from splitsearch.searcher.engine.opening import load_study
from splitsearch.searcher.engine.sharing.place import Place

_FORK = multiprocessing.get_context("fork")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--rungs", type=int, default=3)
    parser.add_argument("--rung-seconds", type=float, default=1.0)
    asked = parser.parse_args()
    database = Postgres()
    database.start()
    rows = []
    try:
        for count in asked.workers:
            with tempfile.TemporaryDirectory(prefix="splitsearch-workers-") as name:
                rows.append(measure(database.create(f"workers{count}"), Path(name), count, asked))
    finally:
        database.stop()
    alone = rows[0]["trials_per_second"] / rows[0]["workers"]
    for row in rows:
        row["of_linear"] = round(row["trials_per_second"] / (alone * row["workers"]), 3)
    print(json.dumps(rows, indent=1))


def measure(url: str, root: Path, count: int, asked: argparse.Namespace) -> dict[str, Any]:
    """One search by so many workers; time counts from the first trial's start to the last one's end."""
    place = Place(url=url, study="workers", beat_seconds=5, grace_seconds=30)
    process = _FORK.Process(target=_make, args=(place,))  # whoever forks must hold no connection
    process.start()
    process.join()
    crew = [
        _FORK.Process(target=work, args=(place, root, n, asked.trials, (asked.rungs, asked.rung_seconds)))
        for n in range(count)
    ]
    begun = time.monotonic()
    for worker in crew:
        worker.start()
    for worker in crew:
        worker.join()
    whole = time.monotonic() - begun
    with _FORK.Pool(1) as pool:
        found = pool.apply(_found, (place,))
    seconds = found.pop("seconds")
    wait = asked.rungs * asked.rung_seconds
    return found | {
        "workers": count,
        "seconds": round(seconds, 2),
        "seconds_with_start": round(whole, 2),
        "trials_per_second": round(asked.trials / seconds, 4),
        "overhead_ms_per_trial": round(1000 * (seconds * count / asked.trials - wait), 1),
    }


def _make(place: Place) -> None:
    open_waiting_study(place, "", 0)


def _found(place: Place) -> dict[str, Any]:
    trials = [t for t in load_study(place).trials if "result" in t.user_attrs]
    own = [t for t in trials if t.user_attrs["result"]["repeat_of"] is None]
    starts = [t.datetime_start for t in own if isinstance(t.datetime_start, datetime)]
    ends = [t.datetime_complete for t in own if isinstance(t.datetime_complete, datetime)]
    keys = Counter(t.user_attrs["key"] for t in own)
    return {
        "trained": len(own),
        "trained_twice": sum(times > 1 for times in keys.values()),
        "seconds": (max(ends) - min(starts)).total_seconds(),
    }


if __name__ == "__main__":
    main()
