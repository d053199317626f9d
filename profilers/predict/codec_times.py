"""Milliseconds of packing and unpacking a tensor, between those that were measured inside a pipeline."""

import math
from collections.abc import Sequence

from splitsearch.profilers.devices.measured import CodecOp, MeasuredCodec, Series
from splitsearch.profilers.duration import Duration

__all__ = ["CodecTimes"]

_BEYOND = 4.0  # how far beyond the measured sizes a straight line is trusted
_IQR = 1.349


class CodecTimes:
    """Interpolates one operation over elements; bits that were not measured take the nearest that were."""

    def __init__(self, measured: Sequence[MeasuredCodec], op: CodecOp) -> None:
        self._rows: dict[int, list[MeasuredCodec]] = {}
        for row in sorted(measured, key=lambda row: row.elements):
            if row.op == op and row.bits is not None:
                self._rows.setdefault(row.bits, []).append(row)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def of(self, elements: int, bits: int) -> Duration:
        """What it takes for so many elements.

        Between two sizes the logarithm of the time is linear in that of the size; below the smallest the time stays
        what it was there, above the largest it grows in proportion.
        """
        nearest = min(self._rows, key=lambda known: (abs(math.log2(known / bits)), known))
        rows = self._rows[nearest]
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
