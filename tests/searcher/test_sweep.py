"""Latencies over many uplink rates."""

import dataclasses

import pytest

from splitsearch.profilers.networks.network import override
from splitsearch.profilers.networks.trace import Trace
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.sweep import RATES_MBPS, bandwidth_sweep, require_one_rate
from splitsearch.spaces.assemble import server_only, whole_on_device
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import TracedGraph


def test_every_row_is_what_a_profiler_for_that_rate_says(graph: TracedGraph, profiler: Profiler) -> None:
    profiles = {"local": profiler.profile(whole_on_device(graph)), "raw": profiler.profile(server_only(graph))}
    rows = bandwidth_sweep(profiles, profiler.target)
    assert [row["uplink_mbps"] for row in rows] == list(RATES_MBPS)
    for row in (rows[0], rows[-1]):
        link = override(profiler.target.network, uplink_mbps=row["uplink_mbps"], rtt_ms=None)
        other = Profiler(dataclasses.replace(profiler.target, network=link))
        assert row["latency_ms"]["raw"] == pytest.approx(other.profile(server_only(graph)).latency.total_ms)
        assert row["latency_ms"]["local"] == profiles["local"].latency.total_ms
        assert row["fastest"] == min(row["latency_ms"], key=row["latency_ms"].get)
    raw = [row["latency_ms"]["raw"] for row in rows]
    assert raw == sorted(raw, reverse=True)


def test_a_trace_has_rates_of_its_own(profiler: Profiler) -> None:
    trace = Trace(time_s=(0.0, 1.0), uplink_mbps=(8.0, 4.0), rtt_ms=(5.0, 7.0))
    network = profiler.target.network.model_copy(update={"trace": trace})
    with pytest.raises(UserError, match="needs a network of one rate"):
        require_one_rate(dataclasses.replace(profiler.target, network=network))
    require_one_rate(profiler.target)
