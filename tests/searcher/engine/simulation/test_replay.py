"""Searches on tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from splitsearch.searcher.engine.sampler import SAMPLERS
from splitsearch.searcher.engine.simulation.replay import knowledge_of_table, replay
from splitsearch.searcher.engine.simulation.rungs import Rungs
from splitsearch.searcher.engine.simulation.summary import summarise
from splitsearch.searcher.engine.simulation.table import Columns, Table, read_table
from splitsearch.spaces.errors import UserError


def frame() -> pd.DataFrame:
    """All but a corner of a grid, so that samplers meet points that no row has."""
    rows = [
        {
            "cut": cut,
            "channels": 2**c,
            "head": head,
            "ms": 1 + cut + 0.2 * c,
            "bytes": 2**c * 100 / (1 + cut),
            "accuracy": 0.9 - 0.5 / (1 + c + cut) - 0.02 * (head == "own"),
            "recall": 0.8 - 0.3 / (1 + c),
            "early": 0.5 - 0.5 / (1 + c + cut) - 0.02 * (head == "own") + 0.01 * cut,
        }
        for cut in range(5)
        for c in range(5)
        for head in ("own", "mimic")
        if cut + c < 8
    ]
    return pd.DataFrame(rows)


def table(folder: Path, **more: tuple[str, ...]) -> Table:
    frame().to_csv(folder / "t.csv", index=False)
    good = {"parameters": ("cut", "channels", "head"), "known": ("ms", "bytes"), "unknown": ("accuracy",)}
    return read_table(folder / "t.csv", Columns(**good | more))


def simulate(read: Table, sampler: str, trials: int, seeds: int, rungs: Rungs | None = None) -> dict[str, Any]:
    return summarise(read, sampler, replay(read, sampler, trials, seeds, rungs), stopping=rungs is not None)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "gp"])
def test_every_sampler_reaches_the_whole_front_when_it_has_tried_all(tmp_path: Path, sampler: str) -> None:
    found = simulate(table(tmp_path), sampler, 1000, 1)
    assert (found["rows"], found["trials"]) == (len(frame()), len(frame()))
    assert found["hypervolume_ratio"][str(len(frame()))] == {"mean": 1.0, "min": 1.0, "max": 1.0}
    ratios = [ratio["mean"] for ratio in found["hypervolume_ratio"].values()]
    assert ratios == sorted(ratios)


@pytest.mark.slow
def test_gaussian_processes_of_optuna_too(tmp_path: Path) -> None:
    assert simulate(table(tmp_path), "gp", 12, 1)["hypervolume_ratio"]["12"]["mean"] > 0.5


def test_what_is_known_is_used(tmp_path: Path) -> None:
    read = table(tmp_path, log=("ms", "bytes"))
    known, blind = (simulate(read, name, 10, 3)["hypervolume_ratio"]["10"]["mean"] for name in ("known-cost", "random"))
    assert known > blind + 0.05


def test_seeds_repeat_and_differ(tmp_path: Path) -> None:
    read = table(tmp_path)
    one, again, three = (
        simulate(read, "random", 12, 1),
        simulate(read, "random", 12, 1),
        simulate(read, "random", 12, 3),
    )
    assert one["hypervolume_ratio"] == again["hypervolume_ratio"]
    spread = three["hypervolume_ratio"]["10"]
    assert spread["min"] < spread["mean"] < spread["max"]
    assert one["seconds_per_suggestion"] > 0


@pytest.mark.parametrize(
    "roles",
    [
        {"known": (), "unknown": ("accuracy", "ms"), "minimize": ("ms",)},
        {"known": ("ms",), "unknown": ("accuracy", "recall")},
        {"known": ("ms", "bytes", "recall"), "maximize": ("recall",)},
        {"known": (), "unknown": ("accuracy",)},
    ],
)
def test_any_number_of_known_and_unknown_objectives(tmp_path: Path, roles: dict[str, tuple[str, ...]]) -> None:
    found = simulate(table(tmp_path, **roles), "known-cost", 20, 1)
    assert 0.8 < found["hypervolume_ratio"]["20"]["mean"] <= 1
    assert [goal["known"] for goal in found["objectives"]].count(False) == len(roles.get("unknown", ("accuracy",)))


def test_the_knowledge_holds_nothing_of_what_is_unknown(tmp_path: Path) -> None:
    knowledge = knowledge_of_table(table(tmp_path))
    assert set(knowledge.known) == {"ms", "bytes"}
    assert knowledge.unknown == ("accuracy",)
    assert knowledge.nominal == set()
    assert knowledge_of_table(table(tmp_path, nominal=("cut",))).nominal == {"cut"}


def test_stopping_saves_training_and_hardly_costs_the_front(tmp_path: Path) -> None:
    read = table(tmp_path, curve=("early",))
    found = simulate(read, "random", 40, 2, Rungs(read, [1 / 3], "cut"))
    assert found["stopped"]["min"] > 0
    share = found["trained_share"]["40"]["mean"]
    assert share == pytest.approx(1 - found["stopped"]["mean"] / 40 * 2 / 3)
    assert share < 1
    assert (
        found["hypervolume_ratio"]["40"]["mean"]
        >= simulate(read, "random", 40, 2)["hypervolume_ratio"]["40"]["mean"] - 0.005
    )


def test_a_replayed_search_evaluates_every_row_once_and_says_what_it_took(tmp_path: Path) -> None:
    read = table(tmp_path, curve=("early",))
    whole, stopped = replay(read, "random", 1000, 1)[0], replay(read, "random", 1000, 1, Rungs(read, [0.25], "cut"))[0]
    assert sorted(whole.rows) == list(range(len(frame())))
    assert whole.cost == [1.0] * len(frame())
    assert sorted(stopped.rows) == sorted(whole.rows)
    assert [cost == 1 for cost in stopped.cost] == stopped.finished
    assert set(stopped.cost) == {0.25, 1.0}


def test_an_unknown_sampler_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'known-cost'"):
        replay(table(tmp_path), "known", 3, 1)


def test_progress_is_heard(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    replay(table(tmp_path), "random", 3, 2, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(n, 6) for n in range(1, 7)]
    assert np.isfinite(heard).all()
