"""Where images come from: the narrow seam between a kind of data set and its preparation."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["ArraySource", "CorruptImageError", "ImageSource", "IntArray", "PixelArray", "SourcePair", "reason"]

IntArray = npt.NDArray[np.int64]
PixelArray = npt.NDArray[np.uint8]


class CorruptImageError(Exception):
    """One image cannot be decoded; the message names it. The preparation skips and counts it."""


def reason(error: BaseException) -> str:
    """Returns the first line of an error of another library, or its type where it has no text."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


class ImageSource(Protocol):
    """Labelled images of any size, decoded one by one on demand, from several threads at once."""

    @property
    def native_size(self) -> int | None:
        """Side in pixels when all images are square and equal; None when they differ or nobody knows."""

    @property
    def in_memory(self) -> bool:
        """Whether the pixels lie in memory already, so that nothing needs decoding."""

    def __len__(self) -> int: ...

    def labels(self) -> IntArray:
        """Returns all labels, int64 (N,), without decoding an image."""

    def identity(self, chosen: IntArray) -> str:
        """Returns a hash of what determines the pixels of the chosen images, without decoding any."""

    def image(self, i: int) -> PixelArray:
        """Returns image `i` as RGB, uint8 (H, W, 3).

        Raises:
            CorruptImageError: it cannot be decoded.
        """


@dataclass(frozen=True, slots=True, eq=False)
class ArraySource:
    """Images that lie in memory already: `pixels` uint8 (N, H, W, 3), `targets` int64 (N,)."""

    pixels: PixelArray
    targets: IntArray

    @property
    def native_size(self) -> int | None:
        """Side in pixels, None when the images are not square."""
        height, width = self.pixels.shape[1:3]
        return int(height) if height == width else None

    @property
    def in_memory(self) -> bool:
        """True."""
        return True

    def __len__(self) -> int:
        return len(self.targets)

    def labels(self) -> IntArray:
        """Returns all labels, int64 (N,)."""
        return self.targets

    def identity(self, chosen: IntArray) -> str:
        """Returns a hash of the pixels."""
        digest = hashlib.sha256(str(self.pixels.shape).encode())
        for part in (chosen, self.pixels[chosen]):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def image(self, i: int) -> PixelArray:
        """Returns image `i`, uint8 (H, W, 3)."""
        pixels: PixelArray = self.pixels[i]
        return pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourcePair:
    """The two parts of a data set before decoding.

    Attributes:
        train: what to train on.
        val: what to validate on; None has the preparation hold a part of `train` out.
        classes: one name per label.
        default_size: side in pixels to use when the user names none; None means the usual 224.
        notes: plain sentences for the user.
        test: opens the test part, which no run ever reads; None where there is none.
    """

    train: ImageSource
    val: ImageSource | None
    classes: tuple[str, ...]
    default_size: int | None = None
    notes: tuple[str, ...] = ()
    test: Callable[[], ImageSource] | None = None
