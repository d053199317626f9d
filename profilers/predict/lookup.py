"""What of a candidate was measured itself: the backbone's own heads, tails and whole, found by the graph's hash."""

import math
from weakref import WeakKeyDictionary

from splitsearch.profilers.devices.measured import Measured, MeasuredBackbone, MeasuredCut, Series
from splitsearch.profilers.duration import Duration
from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Stage

__all__ = ["MeasuredStages", "known_ms"]

_IQR = 1.349  # interquartile range of a normal distribution, in standard deviations
_MEDIAN = 1.2533  # standard error of a median over that of a mean: sqrt(pi / 2)


def known_ms(series: Series, halves_percent: float) -> Duration:
    """The median of a series as a measured duration.

    Its deviation is what another session would find: the standard error of the median, and how far two halves of the
    session that measured it lay apart.
    """
    within = _MEDIAN * series.iqr / _IQR / math.sqrt(series.n)
    return Duration(
        ms=series.p50, deviation_ms=math.hypot(within, series.p50 * halves_percent / 100), source="measured"
    )


class MeasuredStages:
    """Finds stages in the table of one device profile."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._halves = measured.environment.halves_percent
        self._backbones: WeakKeyDictionary[TracedGraph, list[MeasuredBackbone]] = WeakKeyDictionary()

    def of(self, stage: Stage) -> Duration | None:
        """A stage that is the backbone's own: whole, head, tail, or between two cuts; None if it was not measured."""
        if not stage.original or len(stage.parts) != 1:
            return None
        part = stage.parts[0]
        backbone = self._backbone(part.graph)
        if backbone is None:
            return None
        return self._stretch(backbone, part)

    def _backbone(self, graph: TracedGraph) -> MeasuredBackbone | None:
        if graph not in self._backbones:
            found = self._measured.backbone(structure_hash(graph))
            self._backbones[graph] = [found] if found is not None and found.image_size == graph.image_size else []
        return next(iter(self._backbones[graph]), None)

    def _stretch(self, backbone: MeasuredBackbone, part: GraphPart) -> Duration | None:
        if part.after is None and part.until is None:
            return known_ms(backbone.whole, self._halves)
        rows = {row.cut: row for row in backbone.cuts}
        after, until = (rows.get(cut.name) if cut is not None else None for cut in (part.after, part.until))
        if part.after is None:
            return None if until is None else known_ms(until.head, self._halves)
        if after is None:
            return None
        if part.until is None:
            return None if after.tail is None else known_ms(after.tail, self._halves)
        return None if until is None else self._between(after, until)

    def _between(self, after: MeasuredCut, until: MeasuredCut) -> Duration | None:
        """Two heads differ in what lies between their cuts."""
        long, short = known_ms(until.head, self._halves), known_ms(after.head, self._halves)
        assert long.deviation_ms is not None
        assert short.deviation_ms is not None
        if long.ms <= short.ms:
            return None
        return Duration(
            ms=long.ms - short.ms, deviation_ms=math.hypot(long.deviation_ms, short.deviation_ms), source="predicted"
        )
