"""Latency estimated from an operator table and three sustained figures of a device.

Roofline (Williams, Waterman and Patterson, CACM 2009) per operator, plus the time to launch it:
t = overhead + max(MACs / throughput, bytes / bandwidth). It is an estimate and labelled so: kernels differ in
efficiency by a factor of three on one core, and fusing runtimes skip launches.
"""

from collections.abc import Iterable, Sequence

from splitsearch.profilers.counting.operators import OperatorCost
from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import Duration
from splitsearch.spaces.model import Stage

__all__ = ["Roofline", "coding_ms", "element_bytes", "operator_ms", "quantise_ms", "stage_ms"]

_QUANTISE_PASSES = 4  # minimum and maximum, scale, round, pack: each reads or writes the tensor once

# In pixels of a JPEG file at quality 90 that take as long (benchmarks/coding_times.py).
_CODING_START, _CODED_PIXELS, _INCOMPRESSIBLE_PIXELS = 14_000, 12.0, 1.0
_BYTE = 8


def element_bytes(device: DeviceProfile) -> int:
    """Bytes of one number in the device's runtime."""
    return 2 if device.runtime.dtype == "float16" else 4


def operator_ms(cost: OperatorCost, device: DeviceProfile) -> float:
    """Estimated milliseconds of one operator on one image."""
    compute = device.compute
    moved = (cost.inputs + cost.outputs + cost.parameters) * element_bytes(device)
    return compute.operator_overhead_ms + max(
        cost.macs / (compute.gmacs_per_s * 1e6), moved / (compute.memory_gbytes_per_s * 1e6)
    )


def stage_ms(costs: Iterable[OperatorCost], device: DeviceProfile) -> float:
    """Estimated milliseconds of operators that run one after another."""
    return sum(operator_ms(cost, device) for cost in costs)


def quantise_ms(elements: int, device: DeviceProfile) -> float:
    """Estimated milliseconds to quantise and pack, or to unpack, a tensor of so many elements."""
    moved = elements * element_bytes(device)
    compute = device.compute
    return _QUANTISE_PASSES * (compute.operator_overhead_ms + moved / (compute.memory_gbytes_per_s * 1e6))


def coding_ms(elements: int, bits: int, device: DeviceProfile) -> float:
    """Estimated milliseconds that zstd adds to packing, from what the device takes for a JPEG file.

    What coding takes against JPEG depends little on the machine: `python benchmarks/coding_times.py` gives the
    pixels of a JPEG file that take as long as one element, few where a symbol fills its byte and zstd gives up early.
    """
    pixels = _CODING_START + elements * (_CODED_PIXELS if bits < _BYTE else _INCOMPRESSIBLE_PIXELS)
    return pixels / (device.codec.jpeg_encode_mpixels_per_s * 1e3)


class Roofline:
    """Times of a device of which nothing was measured: the `StageTimes` that always has an answer."""

    def __init__(self, device: DeviceProfile, tables: OperatorTables) -> None:
        self._device = device
        self._tables = tables
        self._stages: dict[tuple[str, tuple[int, ...]], float] = {}

    def chain(self, stages: Sequence[Stage]) -> Duration:
        """Stages that run one after another, for one image."""
        return self._known(sum(map(self._stage_ms, stages)))

    def pack(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """Quantising and packing a tensor of so many elements, and coding it."""
        coded = coding_ms(elements, bits, self._device) if coding == "zstd" else 0.0
        return self._known(quantise_ms(elements, self._device) + coded)

    def unpack(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """The way back: as many passes; decoding takes no longer than the bitwise unpacking that it replaces."""
        return self._known(quantise_ms(elements, self._device))

    def _stage_ms(self, stage: Stage) -> float:
        if stage.same_costs is None:
            return stage_ms(self._tables.of(stage).values(), self._device)
        key = (stage.same_costs, stage.input_shape)
        if key not in self._stages:
            self._stages[key] = stage_ms(self._tables.of(stage).values(), self._device)
        return self._stages[key]

    def _known(self, ms: float) -> Duration:
        return Duration(ms=ms, source="estimated")
