"""How long a machine takes to encode or decode an image file: as measured there, else carried over from this machine.

A profile without measurements knows one figure for JPEG. What other codecs and qualities take against JPEG depends
little on the machine, so their times here, over JPEG's here, times that figure, stand in for a measurement.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import MeasuredCodec
from splitsearch.profilers.duration import Duration, weakest

__all__ = ["REFERENCE_QUALITY", "CodecTimes", "ImageFile", "coding_time"]

REFERENCE_QUALITY = 90
"""Of the JPEG file that a profile's figures are taken to mean."""

_IQR_OVER_DEVIATION = 1.349  # of a normal distribution

Step = Literal["encode", "decode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecTimes:
    """What a file took on this machine.

    Attributes:
        encode_ms: pixels to file, in milliseconds of one image.
        decode_ms: file to pixels.
    """

    encode_ms: float
    decode_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A kind of file for images of one size.

    Attributes:
        codec: `jpeg` or `webp`.
        quality: on the codec's own scale.
        pixels: of one image.
        mean_bytes: length of a file.
        here: its times on this machine.
        reference: those of JPEG at `REFERENCE_QUALITY`.
    """

    codec: str
    quality: int
    pixels: int
    mean_bytes: float
    here: CodecTimes
    reference: CodecTimes


def coding_time(file: ImageFile, step: Step, machine: DeviceProfile) -> tuple[Duration, str]:
    """How long one step takes on a machine, and a phrase on how that is known."""
    if machine.measured is not None:
        found = [one for one in machine.measured.codec if one.op == f"{file.codec}_{step}"]
        if found:
            return _measured(file, found), f"measured on {machine.name}"
    figures = {"encode": machine.codec.jpeg_encode_mpixels_per_s, "decode": machine.codec.jpeg_decode_mpixels_per_s}
    here, reference = (getattr(times, f"{step}_ms") for times in (file.here, file.reference))
    # A clock too coarse to see a file tells nothing about files: then every one takes as long as JPEG.
    ratio = here / reference if here > 0 and reference > 0 else 1.0
    ms = 1e3 * (file.pixels / 1e6 / figures[step]) * ratio
    how = f"measured on the machine that ran the search, scaled by the JPEG figure of {machine.name}"
    return Duration(ms=ms, source=weakest((machine.source, "predicted"))), how


def _measured(file: ImageFile, found: Iterable[MeasuredCodec]) -> Duration:
    """The nearest measurement: of the size first, then of the quality; time grows with the pixels."""
    nearest = min(
        found,
        key=lambda one: (abs(math.log(one.elements / file.pixels)), abs((one.quality or 0) - file.quality)),
    )
    exact = (nearest.elements, nearest.quality) == (file.pixels, file.quality)
    scale = file.pixels / nearest.elements
    return Duration(
        ms=nearest.series.p50 * scale,
        deviation_ms=nearest.series.iqr / _IQR_OVER_DEVIATION * scale,
        source="measured" if exact else "predicted",
        in_range=math.isclose(scale, 1),
    )
