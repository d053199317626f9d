"""How good the front of a replayed search is after n evaluations, over seeds."""

from bisect import bisect_left
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from splitsearch.searcher.engine.pareto import hypervolume
from splitsearch.searcher.engine.simulation.replay import Run
from splitsearch.searcher.engine.simulation.table import Table

__all__ = ["checkpoints", "summarise"]

_GOALS = (90, 95, 98, 99)  # percent of the whole table's hypervolume


def checkpoints(trials: int) -> list[int]:
    """Evaluations after which the front is judged: 10, 20, 30, 50, 100, 150, 200, then each hundred, and the last."""
    marks = [10, 20, 30, 50, 100, 150, 200, *range(300, trials + 1, 100)]
    return [*(mark for mark in marks if mark < trials), trials]


def summarise(table: Table, sampler: str, runs: Sequence[Run], *, stopping: bool = False) -> dict[str, Any]:
    """Says how good the front of a replayed search is after n evaluations, over seeds.

    Args:
        table: of results.
        sampler: by name.
        runs: of `replay`, at least one, all of as many evaluations.
        stopping: whether trainings could be stopped.

    Returns:
        The document that `splitsearch simulate --json` prints.
    """
    trials = len(runs[0].rows)
    whole = hypervolume(table.scaled, table.reference)
    marks = checkpoints(trials)
    ratios = [[round(_volume(table, run, mark) / whole, 9) for mark in marks] for run in runs]
    document: dict[str, Any] = {
        "rows": len(table.points),
        "sampler": sampler,
        "trials": trials,
        "seeds": len(runs),
        "objectives": [_objective(table, name) for name in table.columns.objectives],
        "hypervolume_ratio": {str(m): _spread([row[k] for row in ratios]) for k, m in enumerate(marks)},
        "evaluations_to": {
            str(goal): [_evaluations_to(table, run, goal / 100 * whole) for run in runs] for goal in _GOALS
        },
        "seconds_per_suggestion": fmean(second for run in runs for second in run.seconds),
    }
    if stopping:
        document["stopped"] = _spread([float(len(run.finished) - sum(run.finished)) for run in runs])
        document["trained_share"] = {str(m): _spread([sum(run.cost[:m]) / m for run in runs]) for m in marks}
    return document


def _objective(table: Table, name: str) -> dict[str, Any]:
    columns = table.columns
    return {
        "name": name,
        "direction": columns.direction(name),
        "known": name in columns.known,
        "log": name in columns.log,
    }


def _volume(table: Table, run: Run, count: int) -> float:
    rows = [row for row, finished in zip(run.rows[:count], run.finished[:count], strict=True) if finished]
    return hypervolume(table.scaled[rows], table.reference)


def _evaluations_to(table: Table, run: Run, volume: float) -> int | None:
    """After how many evaluations the hypervolume was reached; it never shrinks, so the count is found by halving."""
    count = bisect_left(range(len(run.rows) + 1), volume, key=lambda done: _volume(table, run, done))
    return count if count <= len(run.rows) else None


def _spread(found: list[float]) -> dict[str, float]:
    return {"mean": fmean(found), "min": min(found), "max": max(found)}
