"""How many trainings a search needs on a table of real ones: evaluations and seconds to 90, 95, 99 % of the front.

    python benchmarks/real_table.py benchmarks/tables/resnet20_cifar10.csv --out results.jsonl --seeds 10
        [--samplers greedy,known-cost,tpe,gp,nsga2,random] [--trials 200] [--gp-trials 60]
    python benchmarks/real_table.py benchmarks/tables/resnet20_cifar10.csv --out results.jsonl --show

The table comes from `benchmarks/run_table.py`. Objectives are accuracy (to find out), latency and payload (known, on a
log scale), all scaled to [0, 1] over the table; the reference point of the hypervolume is 1.1 in each, and shares are
of the hypervolume of the whole table. Every sampler runs with the seeds 0 … N-1, with every training to its end and
again with dominance stopping. Seconds are those that the trainings of the table took, up to the rung where they were
stopped. `greedy` is clairvoyant: it knows all accuracies, and takes each time the row that adds most. Lines that the
file holds already are not run again; `--show` prints them as a table.
"""

import argparse
import json
from itertools import accumulate
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import pandas as pd

from splitsearch.searcher.engine.pareto import hypervolume, non_dominated
from splitsearch.searcher.engine.simulation.replay import Run, replay
from splitsearch.searcher.engine.simulation.rungs import Rungs
from splitsearch.searcher.engine.simulation.table import Columns, Table, read_table

SAMPLERS = "greedy,known-cost,tpe,gp,nsga2,random"
COSTS = ("latency_ms", "payload_bytes")
GOALS = (0.90, 0.95, 0.99)
MARKS = (20, 40, 80, 160, 320)
"""Evaluations at which searches with and without stopping are compared."""


class Measured:
    """A table of trainings.

    Args:
        file: CSV file; where it comes from stands in a JSON file beside it.
        costs: columns of the known objectives.
    """

    def __init__(self, file: Path, costs: tuple[str, ...] = COSTS) -> None:
        self.facts: dict[str, Any] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        self.frame = pd.read_csv(file)
        curve = tuple(name for name in self.frame.columns if name.startswith("accuracy_r"))
        self.table: Table = read_table(
            file,
            Columns(
                parameters=tuple(self.facts["parameters"]),
                known=costs,
                unknown=("accuracy",),
                log=costs,
                curve=curve,
                nominal=("cut",),
            ),
        )
        ends = [f"seconds_r{rung}" for rung in range(len(curve))]
        self.shares = [round(float((self.frame[end] / self.frame["seconds"]).mean()), 6) for end in ends]
        self._ends = dict(zip([*self.shares, 1.0], [*ends, "seconds"], strict=True))
        self.rungs = Rungs(self.table, self.shares, "cut")
        self.whole = self.volume(list(range(len(self.frame))))

    def volume(self, rows: list[int]) -> float:
        """Hypervolume of some rows."""
        return hypervolume(self.table.scaled[rows], self.table.reference)

    def seconds(self, run: Run) -> list[float]:
        """Of each evaluation, up to the rung where it was stopped."""
        pairs = zip(run.rows, run.cost, strict=True)
        return [float(self.frame[self._ends[cost]].iloc[row]) for row, cost in pairs]

    def shares_of_front(self, run: Run) -> list[float]:
        """Share of the whole hypervolume after each evaluation."""
        held, found = list[int](), []
        for row, finished in zip(run.rows, run.finished, strict=True):
            if finished:
                held.append(row)
            found.append(self.volume(held) / self.whole if finished or not found else found[-1])
        return found

    def greedy(self) -> list[int]:
        """The clairvoyant order: each time the row that adds most, until the whole front is there."""
        chosen, left = list[int](), np.flatnonzero(non_dominated(self.table.scaled)).tolist()
        while left:
            volumes = [self.volume([*chosen, row]) for row in left]
            chosen.append(left.pop(int(np.argmax(volumes))))
        return chosen


def main() -> None:
    """Runs what the file lacks, or shows it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=320)
    parser.add_argument("--gp-trials", type=int, default=60, help="of Optuna's gp, which takes seconds per suggestion")
    parser.add_argument("--samplers", default=SAMPLERS)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    measured = Measured(chosen.table)
    lines = chosen.out.read_text(encoding="utf-8").splitlines() if chosen.out.is_file() else []
    known = [json.loads(line) for line in lines]
    if chosen.show:
        show(known, len(measured.frame))
        return
    for sampler in chosen.samplers.split(","):
        trials = chosen.gp_trials if sampler == "gp" else chosen.trials
        for stopping in (False, True)[: 1 if sampler == "greedy" else 2]:
            what = [sampler, stopping, trials, chosen.seeds]
            if any(line["what"] == what for line in known):
                continue
            found = {"what": what, "runs": _runs(measured, sampler, stopping, trials, chosen.seeds)}
            with chosen.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            show([found], len(measured.frame))


def _runs(measured: Measured, sampler: str, stopping: bool, trials: int, seeds: int) -> list[dict[str, Any]]:
    if sampler == "greedy":
        rows = measured.greedy()
        whole = len(rows)
        runs = [Run(rows=rows, finished=[True] * whole, cost=[1.0] * whole, seconds=[0.0] * whole)]
    else:
        runs = replay(measured.table, sampler, trials, seeds, measured.rungs if stopping else None)
    return [
        {
            "share": [round(share, 5) for share in measured.shares_of_front(run)],
            "seconds": [round(second, 2) for second in accumulate(measured.seconds(run))],
            "stopped": len(run.finished) - sum(run.finished),
            "seconds_per_suggestion": round(fmean(run.seconds), 4),
        }
        for run in runs
    ]


def show(lines: list[dict[str, Any]], rows: int) -> None:
    """Prints evaluations and seconds to each goal (median of the seeds, least and most), and shares at marks."""
    goals = " | ".join(f"to {goal:.0%}: evaluations, s" for goal in GOALS)
    print(f"| sampler | stopping | seeds | {goals} | shares at {', '.join(map(str, MARKS))} | stopped | s/suggestion |")
    for line in lines:
        sampler, stopping, _, _ = line["what"]
        runs = line["runs"]
        cells = [_to_goal(runs, goal, rows) for goal in GOALS]
        marks = [mark for mark in MARKS if mark <= min(len(run["share"]) for run in runs)]
        at = [f"{fmean(run['share'][mark - 1] for run in runs):.4f}" for mark in marks]
        spent = [f"{fmean(run['seconds'][mark - 1] for run in runs):.0f} s" for mark in marks]
        stopped, slow = (fmean(run[name] for run in runs) for name in ("stopped", "seconds_per_suggestion"))
        pairs = ", ".join(f"{share} ({second})" for share, second in zip(at, spent, strict=True))
        flag = "yes" if stopping else "no"
        print(f"| {sampler} | {flag} | {len(runs)} | {' | '.join(cells)} | {pairs} | {stopped:.0f} | {slow:.3f} |")


def _to_goal(runs: list[dict[str, Any]], goal: float, rows: int) -> str:
    counts = [next((k for k, share in enumerate(run["share"]) if share >= goal), None) for run in runs]
    reached = [(k + 1, run["seconds"][k]) for k, run in zip(counts, runs, strict=True) if k is not None]
    if len(reached) <= len(runs) // 2:
        return f"{len(reached)} of {len(runs)} seeds"
    lost = f", {len(runs) - len(reached)} not" if len(reached) < len(runs) else ""
    steps = [step for step, _ in reached]
    middle = median([*steps, *[rows] * (len(runs) - len(reached))])
    seconds = median(second for _, second in reached)
    return f"{middle:g} ({min(steps)}-{max(steps)}{lost}), {seconds:.0f} s"


if __name__ == "__main__":
    main()
