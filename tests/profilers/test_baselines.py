"""The ways to do without a split."""

import pytest

from splitsearch.profilers.baselines import QUALITIES, local_profile, server_file_profile, server_raw_profile
from splitsearch.profilers.image_files import CodecTimes, ImageFile
from splitsearch.profilers.profile import Profiler
from splitsearch.spaces.graph.trace import TracedGraph


def test_a_file_saves_bytes_and_pays_for_coding(graph: TracedGraph, profiler: Profiler) -> None:
    slow, usual = CodecTimes(encode_ms=0.4, decode_ms=0.4), CodecTimes(encode_ms=0.1, decode_ms=0.2)
    file = ImageFile(codec="webp", quality=40, pixels=32 * 32, mean_bytes=500.0, here=slow, reference=usual)
    raw, sent = server_raw_profile(graph, profiler), server_file_profile(graph, profiler, file)
    codec = profiler.target.device.codec
    assert sent.payload_bytes == 500
    assert sent.latency.transfer_ms < raw.latency.transfer_ms
    assert sent.latency.encode_ms == pytest.approx(4 * 32 * 32 / 1e3 / codec.jpeg_encode_mpixels_per_s)
    assert sent.latency.head_ms == sent.latency.encode_ms
    more = 2 * 32 * 32 / 1e3 / codec.jpeg_decode_mpixels_per_s
    assert sent.latency.tail_ms - raw.latency.tail_ms == pytest.approx(more)


def test_local_computes_everything(graph: TracedGraph, profiler: Profiler) -> None:
    assert local_profile(graph, profiler).latency.tail_ms == 0


def test_a_curve_falls_from_point_to_point() -> None:
    for qualities in QUALITIES.values():
        assert list(qualities) == sorted(set(qualities), reverse=True)
