"""What a replayed search was worth."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from splitsearch.searcher.engine.simulation.replay import Run, replay
from splitsearch.searcher.engine.simulation.summary import checkpoints, summarise
from splitsearch.searcher.engine.simulation.table import Columns, Table, read_table


@pytest.fixture
def read(tmp_path: Path) -> Table:
    rows = [{"place": n, "ms": 1 + n % 7, "accuracy": 0.5 + 0.4 * ((n * 29) % 40) / 40} for n in range(40)]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    return read_table(tmp_path / "t.csv", Columns(parameters=("place",), known=("ms",), unknown=("accuracy",)))


def simulate(read: Table, trials: int) -> dict[str, Any]:
    return summarise(read, "random", replay(read, "random", trials, 1))


def test_checkpoints_are_those_of_the_contract() -> None:
    assert checkpoints(5) == [5]
    assert checkpoints(30) == [10, 20, 30]
    assert checkpoints(450) == [10, 20, 30, 50, 100, 150, 200, 300, 400, 450]


def test_the_evaluations_to_a_goal_agree_with_the_ratios(read: Table) -> None:
    (count,) = simulate(read, 30)["evaluations_to"]["90"]
    at, before = (simulate(read, n)["hypervolume_ratio"][str(n)]["mean"] for n in (count, count - 1))
    assert before < 0.9 <= at
    assert simulate(read, 2)["evaluations_to"]["99"] == [None]


def test_what_was_stopped_is_counted_and_adds_nothing_to_the_front(read: Table) -> None:
    whole = Run(rows=[0, 1, 2], finished=[True] * 3, cost=[1.0] * 3, seconds=[0.0] * 3)
    cut_short = Run(rows=[0, 1, 2], finished=[True, False, False], cost=[1.0, 0.25, 0.25], seconds=[0.0] * 3)
    found, only = (summarise(read, "random", [run], stopping=True) for run in (whole, cut_short))
    assert (found["stopped"]["mean"], only["stopped"]["mean"]) == (0, 2)
    assert (found["trained_share"]["3"]["mean"], only["trained_share"]["3"]["mean"]) == (1.0, 0.5)
    first = Run(rows=[0], finished=[True], cost=[1.0], seconds=[0.0])
    alone = summarise(read, "random", [first])["hypervolume_ratio"]["1"]
    assert only["hypervolume_ratio"]["3"] == alone
    assert "stopped" not in summarise(read, "random", [first])
