"""Bars of importance."""

from collections.abc import Callable

from splitsearch.searcher.report.importance_figure import importance_figure
from splitsearch.searcher.report.record import Record


def test_axes_and_objectives_are_those_of_the_run(make: Callable[..., Record]) -> None:
    figure = importance_figure(make())
    assert figure is not None
    assert set(figure.table["axis"]) == {"cut", "channels", "bits"}
    assert [trace["name"] for trace in figure.plot["data"]] == ["accuracy", "latency", "payload"]


def test_few_candidates_tell_nothing(make: Callable[..., Record]) -> None:
    record = make()
    assert importance_figure(make(trials=record.trials[:5])) is None
