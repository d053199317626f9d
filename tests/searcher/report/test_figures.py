"""All figures of a run."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from splitsearch.profilers.networks.network import load_network
from splitsearch.searcher.report.figures import figures_of, map_fault
from splitsearch.searcher.report.record import Record, read_record
from splitsearch.searcher.report.whatif import options


def test_a_run_has_them_all_as_plain_json(make: Callable[..., Record]) -> None:
    figures = figures_of(make())
    assert [figure.name for figure in figures][-5:] == [
        "latency_terms", "winner_map", "importance", "hypervolume", "learning_curves",
    ]  # fmt: skip
    for figure in figures:
        assert "bdata" not in json.dumps(figure.plot, allow_nan=False)
        assert figure.title
        assert figure.caption


def test_a_real_run_can_be_drawn(finished: Path) -> None:
    names = {figure.name for figure in figures_of(read_record(finished))}
    assert {"front_latency_ms_accuracy", "latency_terms", "winner_map", "hypervolume", "learning_curves"} <= names


def test_without_profiles_there_is_no_map(make: Callable[..., Record]) -> None:
    record = make(target=None, target_fault="gone")
    assert "winner_map" not in {figure.name for figure in figures_of(record)}
    assert "gone" in map_fault(record, options(record))


def test_a_trace_has_no_map_over_rates(make: Callable[..., Record], tmp_path: Path) -> None:
    (tmp_path / "drive.csv").write_text("time_s,uplink_mbps,rtt_ms\n0,6,53\n10,6,53\n")
    record = make()
    assert record.target is not None
    traced = make(target=replace(record.target, network=load_network(str(tmp_path / "drive.csv"))))
    assert "trace" in map_fault(traced, [])
