"""FittedTimes: milliseconds of any candidate from what was measured on one machine.

The backbone's own heads and tails are looked up. What else a candidate runs is a sum of kernels as the runtime fuses
them, predicted by a model of the measured kernels, corrected by parts that were measured whole. A reorder that two
adjoining parts save is taken off. Every answer says what it rests on and how far it may be off.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import Measured
from splitsearch.profilers.duration import ZERO, Duration
from splitsearch.profilers.predict.anchors import Anchors, Likeness
from splitsearch.profilers.predict.codec_times import CodecTimes
from splitsearch.profilers.predict.fuse import Sequel, fusion_of, joined, vanishing
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.lookup import MeasuredStages
from splitsearch.profilers.predict.model import KernelModel
from splitsearch.profilers.predict.roofline import Roofline, element_bytes
from splitsearch.profilers.predict.sequels import Sequels
from splitsearch.spaces.model import Stage

__all__ = ["FittedTimes"]

_SESSION = 0.02  # by which a later process finds everything slower or faster (benchmarks/predict_latency.py, its table)
_NO_MATTER = 0.05  # share of the time up to which kernels like no measured one do not put a candidate out of range


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is remembered of a stage.

    Attributes:
        sequel: its kernels.
        likeness: as the anchors see them; None where the stage itself was measured.
        variance: of the sum of its kernels in square milliseconds, were their errors unrelated.
        strange_ms: of the kernels that are like no measured one.
        measured: the stage itself, where it was measured.
    """

    sequel: Sequel
    likeness: Likeness | None
    variance: float
    strange_ms: float
    measured: Duration | None


class FittedTimes:
    """Times of a device of which networks and kernels were measured."""

    def __init__(self, device: DeviceProfile, tables: OperatorTables) -> None:
        """Fits the model; takes a second or two.

        Args:
            device: with `measured`.
            tables: operators of stages, for what nothing was measured of.
        """
        measured = device.measured
        assert measured is not None, "a profile without measurements has a roofline"
        self._otherwise = Roofline(device, tables)
        self._sequels = Sequels(fusion_of(measured.runtime.name, measured.runtime.provider))
        self._table = MeasuredStages(measured)
        self._model = KernelModel(_kernels(measured), lambda kernel: _roofline_ms(kernel, device))
        self._anchors = Anchors(_parts(measured), self._ms)
        self._packing = CodecTimes(measured.codec, "pack", coded="zstd")
        self._unpacking = CodecTimes(measured.codec, "unpack", coded="unzstd")
        self._stages: dict[tuple[str, tuple[int, ...]], _Known] = {}

    def chain(self, stages: Sequence[Stage]) -> Duration:
        """Stages that run one after another, for one image."""
        known = [self._known(stage) for stage in stages]
        measured = Duration.total(found.measured for found in known if found.measured is not None)
        if all(found.measured is not None for found in known):
            return self._finished(measured, known)
        predicted = [found.likeness for found in known if found.likeness is not None]
        correction = self._anchors.correct(predicted)
        ms = sum(part.ms for part in predicted) * correction.factor
        variance = sum(found.variance for found in known) + (ms * correction.deviation) ** 2
        total = Duration(
            ms=ms + measured.ms,
            deviation_ms=math.hypot(math.sqrt(variance), measured.deviation_ms or 0.0),
            source="predicted",
            in_range=sum(found.strange_ms for found in known) <= _NO_MATTER * (ms + measured.ms),
        )
        return self._finished(total, known)

    def pack(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """Quantising and packing a tensor of so many elements, and coding it."""
        known = self._packing.knows(coding)
        return self._packing.of(elements, bits, coding) if known else self._otherwise.pack(elements, bits, coding)

    def unpack(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """Decoding, unpacking and dequantising it."""
        known = self._unpacking.knows(coding)
        return self._unpacking.of(elements, bits, coding) if known else self._otherwise.unpack(elements, bits, coding)

    def _finished(self, total: Duration, known: Sequence[_Known]) -> Duration:
        """Takes off the reorders that adjoining stages save, and allows for what another session would find."""
        saved = [
            kernel
            for before, after in pairwise(found.sequel for found in known)
            if vanishing(before, after)
            for kernel in (before.leave, after.entry)
            if kernel is not None
        ]
        ms = max(total.ms - sum(self._ms(saved)), 0.0)
        return Duration(
            ms=ms,
            deviation_ms=math.hypot(total.deviation_ms or 0.0, _SESSION * ms),
            source="predicted" if saved else total.source,
            in_range=total.in_range,
        )

    def _known(self, stage: Stage) -> _Known:
        if stage.same_costs is None:
            return self._look(stage)
        key = (stage.same_costs, stage.input_shape)
        if key not in self._stages:
            self._stages[key] = self._look(stage)
        return self._stages[key]

    def _look(self, stage: Stage) -> _Known:
        sequel = self._sequels.of(stage)
        measured = self._table.of(stage) if sequel.kernels else ZERO
        if measured is not None:
            return _Known(sequel=sequel, likeness=None, variance=0.0, strange_ms=0.0, measured=measured)
        kernels = joined((sequel,))
        estimates = self._model.predict(kernels)
        return _Known(
            sequel=sequel,
            likeness=self._anchors.see(kernels),
            variance=math.fsum((estimate.ms * estimate.deviation) ** 2 for estimate in estimates),
            strange_ms=math.fsum(estimate.ms for estimate in estimates if not estimate.in_range),
            measured=None,
        )

    def _ms(self, kernels: Sequence[Kernel]) -> list[float]:
        return [estimate.ms for estimate in self._model.predict(kernels)]


def _kernels(measured: Measured) -> Iterator[tuple[Kernel, float]]:
    """The kernels of every profiled network, scaled to what the network takes when nobody profiles it."""
    whole = {part.name: part.series.p50 for part in measured.parts}
    whole |= {f"whole {known.backbone} {known.image_size}": known.whole.p50 for known in measured.backbones}
    sums: dict[str, float] = {}
    for kernel in measured.kernels:
        sums[kernel.where] = sums.get(kernel.where, 0.0) + kernel.ms
    for kernel in measured.kernels:
        if not kernel.outputs:
            continue  # a profile of names alone: no shape to learn from
        total = sums[kernel.where]
        scale = whole[kernel.where] / total if kernel.where in whole and total > 0 else 1.0
        yield kernel.kernel, kernel.ms * scale


def _parts(measured: Measured) -> list[tuple[Sequence[Kernel], float]]:
    """Parts that were measured whole; those whose kernels the model was fitted to say nothing new."""
    profiled = {kernel.where for kernel in measured.kernels}
    return [
        ([kernel.kernel for kernel in part.kernels], part.series.p50)
        for part in measured.parts
        if part.kernels and part.name not in profiled
    ]


def _roofline_ms(kernel: Kernel, device: DeviceProfile) -> float:
    compute = device.compute
    moved = (kernel.inputs + kernel.outputs + kernel.parameters) * element_bytes(device)
    return compute.operator_overhead_ms + max(
        kernel.macs / (compute.gmacs_per_s * 1e6), moved / (compute.memory_gbytes_per_s * 1e6)
    )
