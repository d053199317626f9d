"""Milliseconds of packing and unpacking a tensor, between those that were measured inside a pipeline."""

import math
from collections.abc import Sequence
from dataclasses import replace

from splitsearch.profilers.devices.measured import CodecOp, MeasuredCodec, Series
from splitsearch.profilers.duration import Duration

__all__ = ["CodecTimes"]

_BEYOND = 4.0  # how far beyond the measured sizes a straight line is trusted
_IQR = 1.349


class CodecTimes:
    """Interpolates one operation over elements; bits that were not measured take the nearest that were."""

    def __init__(self, measured: Sequence[MeasuredCodec], op: CodecOp, coded: CodecOp) -> None:
        """Takes what was measured.

        Args:
            measured: of all operations.
            op: the one that is asked for.
            coded: the same with a lossless coding.
        """
        self._plain, self._coded = _by_bits(measured, op), _by_bits(measured, coded)

    def knows(self, coding: str) -> bool:
        """Whether it was measured with this coding, or without any."""
        return bool(self._plain) and (coding == "none" or bool(self._coded))

    def of(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """What it takes for so many elements.

        Between two sizes the logarithm of the time is linear in that of the size; below the smallest the time stays
        what it was there, above the largest it grows in proportion. A coding adds what it adds at the nearest bits.
        """
        plain = _interpolated(self._plain, elements, bits)
        if coding == "none":
            return plain
        whole = _interpolated(self._coded, elements, bits)
        if bits in self._coded:
            return whole
        nearest = _nearest(self._coded, bits)
        added = whole.ms - _interpolated(self._plain, elements, nearest).ms
        return Duration.total((plain, replace(whole, ms=max(added, 0.0))))


_Rows = dict[int, list[MeasuredCodec]]


def _by_bits(measured: Sequence[MeasuredCodec], op: CodecOp) -> _Rows:
    found: _Rows = {}
    for row in sorted(measured, key=lambda row: row.elements):
        if row.op == op and row.bits is not None:
            found.setdefault(row.bits, []).append(row)
    return found


def _nearest(known: _Rows, bits: int) -> int:
    return min(known, key=lambda one: (abs(math.log2(one / bits)), one))


def _interpolated(known: _Rows, elements: int, bits: int) -> Duration:
    nearest = _nearest(known, bits)
    rows = known[nearest]
    exact = next((row for row in rows if row.elements == elements and nearest == bits), None)
    if exact is not None:
        return Duration(ms=exact.series.p50, deviation_ms=_deviation(exact.series), source="measured")
    low = max((row for row in rows if row.elements <= elements), key=lambda row: row.elements, default=rows[0])
    high = min((row for row in rows if row.elements >= elements), key=lambda row: row.elements, default=rows[-1])
    ms = _between(low, high, elements)
    spread = max(_deviation(row.series) / row.series.p50 for row in (low, high))
    return Duration(
        ms=ms,
        deviation_ms=ms * math.hypot(spread, 0.0 if nearest == bits else 0.2),
        source="predicted",
        in_range=rows[0].elements / _BEYOND <= elements <= rows[-1].elements * _BEYOND,
    )


def _between(low: MeasuredCodec, high: MeasuredCodec, elements: int) -> float:
    if low.elements == high.elements:
        return low.series.p50 * max(1.0, elements / low.elements)
    share = math.log(elements / low.elements) / math.log(high.elements / low.elements)
    return float(low.series.p50 ** (1 - share) * high.series.p50**share)


def _deviation(series: Series) -> float:
    return series.iqr / _IQR
