"""Searches replayed on a table, one for each seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import Trial, TrialState

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.samplers.knowledge import Knowledge, key_of
from splitsearch.searcher.engine.simulation.rungs import Replayed, Rungs
from splitsearch.searcher.engine.simulation.table import Table

__all__ = ["Run", "knowledge_of_table", "replay"]

_PATIENCE = 3  # as in a run: repeats before an untried row is drawn instead
_REFUSALS = 10  # for points that no row has; fewer than in a run, since tables with holes may have many


def knowledge_of_table(table: Table) -> Knowledge:
    """What a search may know of a table: everything but the unknown objectives."""
    columns = table.columns
    return Knowledge(
        objectives={name: columns.direction(name) for name in columns.objectives},
        points=table.points,
        known={name: table.values[name] for name in columns.known},
        log=frozenset(columns.log),
        nominal=frozenset(columns.nominal),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The search of one seed.

    Attributes:
        rows: in the order of their evaluation.
        finished: of each, whether it was evaluated to the end.
        cost: of each, in whole evaluations.
        seconds: of each suggestion.
    """

    rows: list[int]
    finished: list[bool]
    cost: list[float]
    seconds: list[float]


def replay(
    table: Table,
    sampler: str,
    trials: int,
    seeds: int,
    rungs: Rungs | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Run]:
    """Replays a search with the seeds 0 … `seeds` - 1.

    A row that is suggested again costs nothing, and neither does a point that no row has: both are told, and do not
    count as evaluations. A search that has evaluated all rows ends.

    Args:
        table: of results.
        sampler: by name.
        trials: evaluations, at most; no more than the table has rows.
        seeds: how many.
        rungs: how dominance stopping is replayed on the table's curves, None to evaluate everything to the end.
        progress: hears how many of how many evaluations are done.

    Returns:
        One run for each seed.

    Raises:
        UserError: there is no such sampler.
    """
    trials = min(trials, len(table.points))
    runs = []
    for seed in range(seeds):
        study = _Study(table, sampler, seed, rungs)
        for done in study.evaluate(trials):
            progress(seed * trials + done, seeds * trials)
        runs.append(study.run)
    return runs


class _Study:
    """Asks a sampler for points and tells it what the table says."""

    def __init__(self, table: Table, sampler: str, seed: int, rungs: Rungs | None) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.run = Run(rows=[], finished=[], cost=[], seconds=[])
        self._table, self._rungs = table, rungs
        self._draw = random.Random(seed)
        self._names = table.columns.parameters
        self._places = {key_of(point, self._names): row for row, point in enumerate(table.points)}
        self._replayed: dict[int, Replayed] = {}
        self._distributions = {name: _distribution([p[name] for p in table.points]) for name in self._names}
        knowledge = knowledge_of_table(table)
        self._study = optuna.create_study(
            directions=list(knowledge.objectives.values()), sampler=make_sampler(sampler, seed, knowledge)
        )

    def evaluate(self, trials: int) -> Iterator[int]:
        """Evaluates rows until there are so many; yields how many there are."""
        repeats = refusals = 0
        while len(self.run.rows) < trials:
            if repeats >= _PATIENCE or refusals >= _REFUSALS:
                self._enqueue_untried()
            watch = Stopwatch()
            trial = self._study.ask(self._distributions)
            self.run.seconds.append(watch.seconds)
            row = self._places.get(key_of(trial.params, self._names))
            if row is None:
                self._study.tell(trial, state=TrialState.PRUNED)
                refusals += 1
            elif row in self._replayed:
                self._tell(trial, row)
                repeats += 1
            else:
                self._first(trial, row)
                repeats = refusals = 0
                yield len(self.run.rows)

    def _first(self, trial: Trial, row: int) -> None:
        found = Replayed(cost=1.0) if self._rungs is None else self._rungs.replay(row, self._completed())
        self._replayed[row] = found
        self.run.rows.append(row)
        self.run.finished.append(found.verdict is None)
        self.run.cost.append(found.cost)
        self._tell(trial, row)

    def _completed(self) -> list[int]:
        return [row for row, finished in zip(self.run.rows, self.run.finished, strict=True) if finished]

    def _tell(self, trial: Trial, row: int) -> None:
        verdict, name = self._replayed[row].verdict, self._table.columns.unknown[0]
        if verdict is None:
            self._study.tell(trial, [self._table.values[name][row] for name in self._table.columns.objectives])
            return
        trial.set_user_attr("reason", verdict.reason)
        trial.set_user_attr(f"{name}_estimate", verdict.estimate)
        trial.set_user_attr(f"{name}_estimate_deviation", verdict.deviation)
        self._study.tell(trial, state=TrialState.PRUNED)

    def _enqueue_untried(self) -> None:
        untried = [row for row in range(len(self._table.points)) if row not in self._replayed]
        self._study.enqueue_trial(self._table.points[self._draw.choice(untried)])


def _distribution(found: list[Any]) -> BaseDistribution:
    if isinstance(found[0], str):
        return CategoricalDistribution(sorted(set(found)))
    return IntDistribution(0, int(np.max(found)))
