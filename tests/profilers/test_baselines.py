"""The ways to do without a split."""

import pytest

from splitsearch.profilers.baselines import local_profile, server_jpeg_profile, server_raw_profile
from splitsearch.profilers.profile import Profiler
from splitsearch.spaces.graph.trace import TracedGraph


def test_jpeg_saves_bytes_and_pays_for_coding(graph: TracedGraph, profiler: Profiler) -> None:
    raw, jpeg = server_raw_profile(graph, profiler), server_jpeg_profile(graph, profiler, 500.0)
    codec = profiler.target.device.codec
    assert jpeg.payload_bytes == 500
    assert jpeg.latency.transfer_ms < raw.latency.transfer_ms
    assert jpeg.latency.encode_ms == pytest.approx(32 * 32 / 1e3 / codec.jpeg_encode_mpixels_per_s)
    assert jpeg.latency.head_ms == jpeg.latency.encode_ms
    assert jpeg.latency.tail_ms > raw.latency.tail_ms


def test_local_computes_everything(graph: TracedGraph, profiler: Profiler) -> None:
    assert local_profile(graph, profiler).latency.tail_ms == 0
