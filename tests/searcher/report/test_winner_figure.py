"""Who wins where."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import LOADS, RATES_MBPS, Scenario, latency_ms, options
from splitsearch.searcher.report.winner_figure import eligible, winner_colours, winner_figure


def test_the_winner_of_each_cell_is_nowhere_beaten(make: Callable[..., Record]) -> None:
    record = make("wifi")
    found = options(record)
    assert record.target is not None
    figure = winner_figure(record, found, record.target)
    ways = eligible(found, 0.9, 0.02)
    assert len(figure.table) == len(LOADS) * len(RATES_MBPS)
    for _, row in figure.table.iloc[::97].iterrows():
        scenario = Scenario(uplink_mbps=row["uplink_mbps"], server_load=row["server_load"])
        costs = {way.name: latency_ms(way, record.target, scenario) for way in ways}
        assert costs[row["winner"]] == min(costs.values())
        assert row["latency_ms"] == pytest.approx(min(costs.values()), abs=1e-4)


def test_what_loses_too_much_accuracy_does_not_compete(make: Callable[..., Record]) -> None:
    found = options(make())
    kept = eligible(found, 0.9, 0.02)
    assert {option.name for option in kept} == {o.name for o in found if o.accuracy >= 0.88 - 1e-9}
    assert len(eligible(found, 0.9, 1.0)) == len(found)
    worse = [replace(option, accuracy=0.1 + 0.01 * k) for k, option in enumerate(found)]
    assert eligible(worse, 0.9, 0.02) == [worse[-1]]


def test_a_slow_link_leaves_the_device_alone_and_a_quick_server_takes_all(make: Callable[..., Record]) -> None:
    record = make("ethernet")
    found = options(record)
    assert record.target is not None
    local = next(option for option in found if option.name == "local")
    slow = [local if option is local else replace(option, payload_bytes=1e6) for option in found]
    table = winner_figure(record, [replace(option, head_ms=1e3) for option in slow], record.target).table
    assert table[table["uplink_mbps"] == 0.1]["winner"].unique().tolist() == ["local"]


def test_splits_are_blue_and_baselines_have_their_own_colours() -> None:
    colours = winner_colours(["trial 1", "trial 2", "local", "server_raw"])
    assert len(set(colours.values())) == 4


def test_a_busy_server_is_avoided(make: Callable[..., Record]) -> None:
    record = make("ethernet")
    found = options(record)
    assert record.target is not None
    raw = next(option for option in found if option.name == "server_raw")
    local = next(option for option in found if option.name == "local")
    duel = [replace(raw, head_ms=0.0, tail_ms=10.0, payload_bytes=100.0), replace(local, head_ms=30.0)]
    table = winner_figure(record, duel, record.target).table
    fast = table[table["uplink_mbps"] == 1000]
    assert fast[fast["server_load"] == 0]["winner"].tolist() == ["server_raw"]
    assert fast[fast["server_load"] == 0.95]["winner"].tolist() == ["local"]
