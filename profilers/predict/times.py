"""StageTimes: whoever can say how long stages take on one machine; the profiler asks, and knows no more of it."""

from collections.abc import Sequence
from typing import Protocol

from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import Duration
from splitsearch.profilers.predict.roofline import Roofline
from splitsearch.spaces.model import Stage

__all__ = ["StageTimes", "times_of"]


class StageTimes(Protocol):
    """Durations on one machine, for one image at a time."""

    def chain(self, stages: Sequence[Stage]) -> Duration:
        """Stages that run one after another in one process, and may be fused where they meet."""

    def pack(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """Quantising and packing a tensor of so many elements, and coding it."""

    def unpack(self, elements: int, bits: int, coding: str = "none") -> Duration:
        """Decoding, unpacking and dequantising it."""


def times_of(device: DeviceProfile, tables: OperatorTables) -> StageTimes:
    """The best that a profile file offers: what was measured, else what is predicted from it, else a roofline."""
    if device.measured is not None:
        from splitsearch.profilers.predict.fitted import FittedTimes  # scikit-learn loads slowly, and few need it

        return FittedTimes(device, tables)
    return Roofline(device, tables)
