"""Hypervolume over trials and seconds."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.report.progress_figure import hypervolumes, progress_figure
from splitsearch.searcher.report.record import Record


def test_two_objectives_by_hand(make: Callable[..., Record]) -> None:
    trial = make().trials[0]
    points = ((0.5, 50.0), (0.4, 60.0), (0.8, 80.0))
    trials = [replace(trial, values={"accuracy": a, "latency_ms": ms}) for a, ms in points]
    volumes = hypervolumes(trials, parse_objectives("accuracy,latency_ms"), {"accuracy": 0.0, "latency_ms": 100.0})
    assert volumes == pytest.approx([0.5 * 0.5, 0.5 * 0.5, 0.5 * 0.5 + 0.3 * 0.2])


def test_it_ends_where_the_front_file_ends_and_never_falls(make: Callable[..., Record]) -> None:
    record = make()
    figure = progress_figure(record)
    assert figure is not None
    reached = figure.table["hypervolume"].tolist()
    assert reached == sorted(reached)
    assert reached[-1] == pytest.approx(record.document["hypervolume"])
    assert figure.table["seconds"].tolist() == [2.0 * k for k in range(1, 13)]


def test_failed_trials_cost_seconds(make: Callable[..., Record]) -> None:
    record = make()
    failed = replace(record.trials[0], trial=99, state="failed", seconds=100.0)
    figure = progress_figure(make(trials=(failed, *record.trials)))
    assert figure is not None
    assert figure.table["seconds"].tolist()[0] == 102.0


def test_nothing_trained_draws_nothing(make: Callable[..., Record]) -> None:
    assert progress_figure(make(trials=())) is None
