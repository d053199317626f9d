"""The front along pairs of objectives."""

from collections.abc import Callable
from typing import Any

import pytest

from splitsearch.searcher.report.front_figure import front_figures
from splitsearch.searcher.report.record import Record


def trace(plot: dict[str, Any], name: str) -> dict[str, Any]:
    return next(trace for trace in plot["data"] if trace.get("name") == name)


@pytest.mark.parametrize(
    ("names", "pairs"), [("accuracy,latency_ms", 1), ("accuracy,latency_ms,payload_bytes,energy_mj", 6)]
)
def test_every_pair_has_its_figure_and_accuracy_comes_first(
    make: Callable[..., Record], names: str, pairs: int
) -> None:
    figures = front_figures(make(objectives=names))
    assert len(figures) == pairs
    assert figures[0].title.startswith("Accuracy against")
    assert len({figure.name for figure in figures}) == pairs


def test_front_trained_and_baselines_stand_where_their_values_are(make: Callable[..., Record]) -> None:
    record = make()
    figure = next(f for f in front_figures(record) if f.name == "front_latency_ms_accuracy")
    front, rest = trace(figure.plot, "front"), trace(figure.plot, "trained, off the front")
    assert len(front["x"]) == len(record.document["front"])
    assert len(front["x"]) + len(rest["x"]) == len(record.trained)
    values = {trial.trial: trial.values for trial in record.trained}
    assert set(zip(front["x"], front["y"], strict=True)) == {
        (values[number]["latency_ms"], values[number]["accuracy"]) for number in record.front_trials
    }
    local = trace(figure.plot, "all on the device")
    assert (local["x"], local["y"]) == (
        [record.document["baselines"][0]["values"]["latency_ms"]],
        [0.9],
    )
    low, high = record.trials[0].accuracy_interval or (0, 0)
    assert 0 < low < record.trials[0].values["accuracy"] < high
    assert len(front["error_y"]["array"]) == len(front["x"])
    assert figure.plot["layout"]["annotations"][0]["text"] == "teacher 90.0 %"
    assert len(figure.table) == len(record.trained) + 2


def test_the_step_line_joins_what_nothing_dominates_in_the_pair(make: Callable[..., Record]) -> None:
    record = make()
    figure = next(f for f in front_figures(record) if f.name == "front_latency_ms_accuracy")
    line = next(trace for trace in figure.plot["data"] if trace.get("mode") == "lines")
    pairs = list(zip(line["x"], line["y"], strict=True))
    assert pairs == sorted(pairs)
    assert [y for _, y in pairs] == sorted(y for _, y in pairs)


def test_markup_in_a_name_is_text(make: Callable[..., Record]) -> None:
    record = make()
    hostile = record.trials[0].to_json()
    hostile["config"] = hostile["config"] | {"cut": "<a href='x'>"}
    changed = make(trials=(type(record.trials[0]).from_json(hostile), *record.trials[1:]))
    texts = [text for trace in front_figures(changed)[0].plot["data"] for text in trace.get("text") or ()]
    assert any("&lt;a href" in text for text in texts)
    assert not any("<a href" in text for text in texts)


def test_captions_tell_measured_from_estimated(make: Callable[..., Record]) -> None:
    caption = front_figures(make())[0].caption
    assert "measured on 100 validation images" in caption
    assert "are estimated" in caption
