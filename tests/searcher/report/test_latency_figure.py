"""Bars of terms."""

from collections.abc import Callable

import pytest

from splitsearch.searcher.report.latency_figure import TERMS, latency_figure
from splitsearch.searcher.report.record import Record


def test_the_terms_add_up_to_the_latency(make: Callable[..., Record]) -> None:
    record = make(load=0.4)
    figure = latency_figure(record)
    totals = figure.table[[f"{term}_ms" for term in TERMS]].sum(axis=1)
    stored = {f"trial {e['trial']}": e["values"]["latency_ms"] for e in record.document["front"]}
    stored |= {b["name"]: b["values"]["latency_ms"] for b in record.document["baselines"]}
    for name, total in zip(figure.table["name"], totals, strict=True):
        assert total == pytest.approx(stored[name])
    assert {trace["name"] for trace in figure.plot["data"]} >= {"head on the device", "waiting for the server"}


def test_a_term_that_is_nowhere_has_no_legend(make: Callable[..., Record]) -> None:
    assert "waiting for the server" not in {trace["name"] for trace in latency_figure(make()).plot["data"]}


def test_a_long_front_is_thinned_and_says_so(make: Callable[..., Record]) -> None:
    record = make()
    entry = record.document["front"][0]
    long = [entry | {"trial": number} for number in range(60)]
    figure = latency_figure(make(document=record.document | {"front": long}))
    drawn = figure.table[figure.table["kind"] == "candidate"]["name"].tolist()
    assert len(drawn) == 24
    assert (drawn[0], drawn[-1]) == ("trial 0", "trial 59")
    assert "24 of 60 candidates" in figure.caption


def test_an_empty_front_leaves_the_baselines(make: Callable[..., Record]) -> None:
    record = make()
    figure = latency_figure(make(document=record.document | {"front": []}))
    assert set(figure.table["kind"]) == {"baseline"}
