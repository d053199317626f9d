"""What all figures share."""

import pytest

from splitsearch.searcher.engine.objectives import OBJECTIVES
from splitsearch.searcher.report.figure import display, is_log, plain_axis, plot, title_of, value_axis


def test_a_misspelt_property_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid property"):
        plot([], {"xaxes": {}})
    assert plot([], {"height": 300})["layout"]["height"] == 300


def test_values_that_spread_widely_get_a_log_scale() -> None:
    assert is_log([1, 8])
    assert not is_log([1, 7.9])
    assert not is_log([0, 8])
    assert not is_log([])
    assert value_axis(OBJECTIVES["payload_bytes"], [10, 1000], "estimated")["type"] == "log"
    assert "type" not in value_axis(OBJECTIVES["latency_ms"], [10, 12], "estimated")


def test_an_axis_says_how_its_values_are_known() -> None:
    assert value_axis(OBJECTIVES["latency_ms"], [1], "predicted")["title"]["text"] == "latency (ms, predicted)"
    assert value_axis(OBJECTIVES["payload_bytes"], [1], "predicted")["title"]["text"] == "payload (bytes)"
    assert plain_axis("loss")["title"]["text"] == "loss"


def test_values_are_shown_with_their_units() -> None:
    shown = {
        "accuracy": (0.9725, "97.2 %"), "payload_bytes": (1234.4, "1,234 B"), "latency_ms": (57.23, "57.2 ms"),
        "energy_mj": (3.0, "3.0 mJ"), "device_macs": (2_400_000, "2.4 M"),
    }  # fmt: skip
    for name, (value, text) in shown.items():
        assert display(name, value) == text
    assert all(title_of(name) != name for name in OBJECTIVES if "_" in name)
