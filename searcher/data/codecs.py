"""JPEG and WebP files of images, made for real: whoever sends the image sends such a file, and a split must beat it.

What a file costs in bytes and in accuracy is measured on the decoded images; what it costs in time is the processor
time of one thread on this machine, which other work on the machine hardly disturbs.
"""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import PIL
import torch
from PIL import Image, features

from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.data.source import PixelArray
from splitsearch.spaces.errors import UserError

__all__ = ["CODECS", "Coded", "code", "codec_version", "require_codec"]

CODECS = {"jpeg": "jpg", "webp": "webp"}
"""Codec to the name under which Pillow knows its library."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """Images that went through files of one codec and quality.

    Attributes:
        images: as decoded, uint8 (N, 3, S, S).
        sizes: length of each file in bytes.
        encode_ms: mean processor time from pixels to file, in milliseconds, on this machine.
        decode_ms: mean processor time from file to pixels.
    """

    images: torch.Tensor
    sizes: tuple[int, ...]
    encode_ms: float
    decode_ms: float

    @property
    def mean_bytes(self) -> float:
        """Mean length of a file."""
        return sum(self.sizes) / len(self.sizes)


def require_codec(codec: str) -> None:
    """Makes sure that Pillow has a codec.

    Raises:
        UserError: it was built without.
    """
    if not features.check(CODECS[codec]):
        raise UserError(
            f"this Pillow ({PIL.__version__}) was built without {codec}: install one that has it"
            + (", or leave that baseline out with --no-webp" if codec == "webp" else "")
        )


def codec_version(codec: str) -> str:
    """What decides the bytes of a file: the versions of Pillow and of the codec's library."""
    return f"Pillow {PIL.__version__}, {codec} {features.version(CODECS[codec])}"


def code(images: torch.Tensor, codec: str, quality: int) -> Coded:
    """Encodes every image (4:2:0, all else as Pillow does it by default) and decodes it again.

    Args:
        images: uint8 (N, 3, S, S).
        codec: one of `CODECS`.
        quality: 1 to 100, on the codec's own scale.

    Raises:
        ValueError: the quality is outside its range.
        UserError: Pillow lacks the codec.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be 1 to 100, not {quality}")
    require_codec(codec)
    source = images.cpu().numpy()
    decoded = np.empty_like(source)

    def work(i: int) -> tuple[int, float, float]:
        pixels = np.ascontiguousarray(source[i].transpose(1, 2, 0))
        watch = processor_stopwatch()
        file = _file(pixels, codec, quality)
        encode_s = watch.seconds
        result = _pixels(file)
        decode_s = watch.seconds - encode_s
        decoded[i] = result.transpose(2, 0, 1)
        return len(file), encode_s, decode_s

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if len(source):
            work(0)  # the first file of a codec loads its library
        rows = list(pool.map(work, range(len(source))))
    count = max(1, len(rows))
    return Coded(
        images=torch.from_numpy(decoded).to(images.device),
        sizes=tuple(row[0] for row in rows),
        encode_ms=1e3 * sum(row[1] for row in rows) / count,
        decode_ms=1e3 * sum(row[2] for row in rows) / count,
    )


def _file(pixels: PixelArray, codec: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=codec.upper(), quality=quality)
    return buffer.getvalue()


def _pixels(file: bytes) -> PixelArray:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))
