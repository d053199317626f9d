"""DeviceProfile: how fast a machine computes, as a JSON file; one more device is one more file."""

from typing import Literal

from splitsearch.profilers.devices.measured import Measured
from splitsearch.profilers.shipped import (
    NotNegative,
    Positive,
    ProfileFile,
    ProfilePart,
    Text,
    load_profile,
    shipped_names,
)

__all__ = ["Codec", "Compute", "DeviceProfile", "Power", "Runtime", "device_names", "load_device"]

_PACKAGE = "splitsearch.configs.devices"


class Runtime(ProfilePart):
    """What runs the network.

    Attributes:
        name: framework and mode, for example `PyTorch eager`.
        dtype: number format of weights and activations.
    """

    name: Text
    dtype: Literal["float32", "float16"]


class Compute(ProfilePart):
    """Sustained figures for one image at a time: what networks really get, not the peak of a datasheet.

    Attributes:
        gmacs_per_s: billions of multiply-adds a second (1 MAC = 2 FLOPs).
        memory_gbytes_per_s: billions of bytes that are read or written a second.
        operator_overhead_ms: milliseconds to launch one operator, whatever its size.
    """

    gmacs_per_s: Positive
    memory_gbytes_per_s: Positive
    operator_overhead_ms: NotNegative


class Codec(ProfilePart):
    """JPEG on one core, in millions of pixels a second.

    Attributes:
        jpeg_encode_mpixels_per_s: pixels to file.
        jpeg_decode_mpixels_per_s: file to pixels.
    """

    jpeg_encode_mpixels_per_s: Positive
    jpeg_decode_mpixels_per_s: Positive


class Power(ProfilePart):
    """What the machine draws without its radio, in watts.

    Attributes:
        idle_w: while it waits for an answer.
        active_w: while it computes.
    """

    idle_w: Positive
    active_w: Positive


class DeviceProfile(ProfileFile):
    """One machine, device or server.

    Attributes:
        runtime: what runs the network.
        compute: sustained speed.
        codec: speed of JPEG, for the baseline that sends the image.
        power: what it draws.
        memory_mib: memory of the machine (of the accelerator where it has its own).
        method: how the figures were obtained, and which of them are assumptions.
        measured: what `splitsearch device measure` found; None for a file written by hand.
    """

    runtime: Runtime
    compute: Compute
    codec: Codec
    power: Power
    memory_mib: Positive
    method: Text
    measured: Measured | None = None


def device_names() -> tuple[str, ...]:
    """Names of the shipped device profiles."""
    return shipped_names(_PACKAGE)


def load_device(name_or_path: str) -> DeviceProfile:
    """Reads a device profile: an existing file, else a shipped name with or without `.json`.

    Raises:
        UserError: there is none of that name, or the file is wrong; the line names the field and the value.
    """
    return load_profile(DeviceProfile, "device profile", _PACKAGE, name_or_path)
