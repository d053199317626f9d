"""Images in files, decoded with Pillow as torchvision's loader does, whatever their mode."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from splitsearch.searcher.data.source import CorruptImageError, IntArray, PixelArray, reason

__all__ = ["SUFFIXES", "FileSource", "read_image"]

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Lower-case endings of the files that a folder is searched for."""


def read_image(path: Path) -> PixelArray:
    """Decodes one file to RGB, uint8 (H, W, 3); grey is repeated, transparency dropped, 16 bits become 8.

    Raises:
        CorruptImageError: Pillow cannot decode it.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(_to_rgb(image))
    except Exception as error:  # Pillow's plug-ins raise nearly any type on damaged bytes
        raise CorruptImageError(f"{path}: {reason(error)}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # convert() would clip at 255: a white image
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode == "P" and "transparency" in image.info:  # convert() to RGB would warn
        image = image.convert("RGBA")
    return image.convert("RGB")


@dataclass(frozen=True, slots=True, eq=False)
class FileSource:
    """One file per image: `paths` and `targets` int64 (N,) in the same order; `root` is the folder that they lie in."""

    paths: tuple[Path, ...]
    targets: IntArray
    root: Path

    @property
    def native_size(self) -> int | None:
        """None: nobody knows before decoding."""
        return None

    @property
    def in_memory(self) -> bool:
        """False."""
        return False

    def __len__(self) -> int:
        return len(self.paths)

    def labels(self) -> IntArray:
        """Returns all labels, int64 (N,)."""
        return self.targets

    def identity(self, chosen: IntArray) -> str:
        """Returns a hash of each file's path inside `root`, its length and its time of change.

        A folder may be moved as a whole; a file that is rewritten in place with its old time and length is not noticed.
        """
        digest, prefix = hashlib.sha256(), f"{self.root}{os.sep}"
        for i in chosen.tolist():
            path = str(self.paths[i])
            digest.update(f"{path.removeprefix(prefix)}\0{_state(path)}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def image(self, i: int) -> PixelArray:
        """Decodes file `i`, uint8 (H, W, 3).

        Raises:
            CorruptImageError: Pillow cannot.
        """
        return read_image(self.paths[i])


def _state(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError:  # decoding it will say what is wrong with it
        return "unreadable"
    return f"{found.st_size} {found.st_mtime_ns}"
