"""Packing between what was measured."""

import pytest

from splitsearch.profilers.devices.measured import CodecOp, MeasuredCodec, Series
from splitsearch.profilers.predict.codec_times import CodecTimes


def row(elements: int, ms: float, bits: int = 8, op: CodecOp = "pack") -> MeasuredCodec:
    series = Series(n=9, p10=ms, p50=ms, p90=ms, iqr=0.1 * ms)
    return MeasuredCodec(op=op, elements=elements, bits=bits, bytes_out=elements, series=series)


TIMES = CodecTimes([row(10000, 4.0), row(100, 1.0), row(10000, 8.0, bits=4), row(7, 99.0, op="unpack")], "pack", "zstd")


def test_what_was_measured_is_returned() -> None:
    found = TIMES.of(10000, 8)
    assert (found.ms, found.source, found.in_range) == (4.0, "measured", True)
    assert TIMES.of(10000, 4).ms == 8.0


def test_between_two_sizes_it_is_a_line_of_logarithms() -> None:
    found = TIMES.of(1000, 8)
    assert found.ms == pytest.approx(2.0)
    assert (found.source, found.in_range) == ("predicted", True)


def test_beyond_them_it_grows_in_proportion_and_never_falls_below_the_smallest() -> None:
    assert TIMES.of(100000, 8).ms == pytest.approx(40.0)
    assert not TIMES.of(100000, 8).in_range
    assert TIMES.of(1, 8).ms == 1.0


def test_other_bits_take_the_nearest_and_know_less() -> None:
    near, exact = TIMES.of(10000, 6), TIMES.of(9999, 8)
    assert near.ms == 4.0
    assert near.deviation_ms is not None
    assert exact.deviation_ms is not None
    assert near.deviation_ms > exact.deviation_ms


def test_a_coding_is_looked_up_and_at_other_bits_adds_what_it_adds_at_the_nearest() -> None:
    plain = [row(1000, 1.0), row(1000, 5.0, bits=2)]
    times = CodecTimes([*plain, row(1000, 4.0, op="zstd")], "pack", "zstd")
    assert times.of(1000, 8, "zstd").ms == 4.0
    other = times.of(1000, 2, "zstd")
    assert (other.ms, other.source) == (8.0, "predicted")


def test_what_was_not_measured_is_not_known() -> None:
    nothing = CodecTimes([], "pack", "zstd")
    assert not nothing.knows("none")
    assert TIMES.knows("none")
    assert not TIMES.knows("zstd")
