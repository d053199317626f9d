"""Whether a profile may be used for what is asked: figures of a doubtful measurement, or of something else, mislead."""

import math
from dataclasses import dataclass

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.spaces.errors import UserError

__all__ = ["ANYTHING", "Asked", "require"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a profile has to be of; None for whatever it is of.

    Attributes:
        runtime: name of the runtime, as `device measure` takes it.
        dtype: number format.
        image_size: side of the image in pixels.
        backbone: by name.
        doubtful: whether figures that their own file doubts, or of other sizes, are good enough.
    """

    runtime: str | None = None
    dtype: str | None = None
    image_size: int | None = None
    backbone: str | None = None
    doubtful: bool = False


ANYTHING = Asked()
"""Whatever is in the file, unless the file itself doubts it."""


def require(device: DeviceProfile, asked: Asked) -> DeviceProfile:
    """Returns the profile if it is of what is asked for; one that was not measured has a number format alone.

    Raises:
        UserError: it is not; the line says what to do.
    """
    if asked.dtype is not None and device.runtime.dtype != asked.dtype:
        raise UserError(
            f"the device profile {device.name} is for {device.runtime.dtype}, not {asked.dtype}: measure with --dtype "
            f"{asked.dtype}, or name another profile"
        )
    if device.measured is not None:
        _require_runtime(device, asked.runtime)
        if not asked.doubtful:
            _require_size(device, asked.backbone, asked.image_size)
            _require_calm(device)
    elif asked.runtime is not None:
        raise UserError(
            f"the device profile {device.name} was not measured in any runtime, so not in {asked.runtime}: "
            "`splitsearch device measure` makes one that was"
        )
    return device


def _require_runtime(device: DeviceProfile, runtime: str | None) -> None:
    assert device.measured is not None
    found = device.measured.runtime.name
    if runtime is not None and found != runtime:
        raise UserError(
            f"the device profile {device.name} was measured in {found}, not in {runtime}: measure with --runtime "
            f"{runtime}, or name another profile"
        )


def _require_size(device: DeviceProfile, backbone: str | None, image_size: int | None) -> None:
    """Sizes count for the backbone in question if it was measured, else for the backbones that were."""
    assert device.measured is not None
    own = [found for found in device.measured.backbones if found.backbone == backbone] or device.measured.backbones
    sizes = sorted({found.image_size for found in own})
    if image_size is None or not sizes or image_size in sizes:
        return
    near = min(sizes, key=lambda size: abs(math.log(size / image_size)))
    raise UserError(
        f"the device profile {device.name} was measured at {' and '.join(map(str, sizes))} pixels, not at "
        f"{image_size}: "
        f"measure with --image-size {image_size}, ask for {near}, or say --accept-doubtful"
    )


def _require_calm(device: DeviceProfile) -> None:
    assert device.measured is not None
    environment = device.measured.environment
    if not environment.ok:
        raise UserError(
            f"the device profile {device.name} doubts its own figures: {'; '.join(environment.reasons)}; "
            "--accept-doubtful uses it all the same"
        )
