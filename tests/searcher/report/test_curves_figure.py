"""Learning curves."""

from collections.abc import Callable
from dataclasses import replace

from splitsearch.searcher.report.curves_figure import curves_figure
from splitsearch.searcher.report.record import Record


def test_losses_over_epochs(make: Callable[..., Record]) -> None:
    record = make()
    figure = curves_figure(record)
    assert figure is not None
    assert {trace["name"] for trace in figure.plot["data"]} == {"front", "off the front"}
    assert len(figure.table) == 2 * len(record.trials)
    assert "not of validation" in figure.caption


def test_accuracies_over_images_where_rungs_have_them(make: Callable[..., Record]) -> None:
    record = make()
    rungs = [
        {"rung": 1.0, "samples": 100.0, "loss": 1.0, "accuracy": 0.3},
        {"rung": 2.0, "samples": 300.0, "accuracy": 0.6},
    ]
    stopped = replace(record.trials[0], trial=99, state="pruned", curve=rungs[:1])
    figure = curves_figure(make(trials=(stopped, *(replace(trial, curve=rungs) for trial in record.trials))))
    assert figure is not None
    front = next(trace for trace in figure.plot["data"] if trace["name"] == "front")
    assert front["x"][:3] == [100.0, 300.0, None]
    assert front["y"][:3] == [0.3, 0.6, None]
    assert next(trace for trace in figure.plot["data"] if trace["name"] == "stopped or failed")["y"] == [0.3, None]


def test_without_curves_there_is_no_figure(make: Callable[..., Record]) -> None:
    assert curves_figure(make(trials=tuple(replace(trial, curve=[]) for trial in make().trials))) is None
