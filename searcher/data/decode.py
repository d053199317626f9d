"""Decodes chosen images of a source into one tensor, on threads: Pillow works outside the interpreter's lock."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from splitsearch.searcher.data.resize import fit
from splitsearch.searcher.data.source import CorruptImageError, ImageSource, IntArray

__all__ = ["Decoded", "decode"]

CHUNK = 32
"""Images per task: enough to hide the cost of a task, few enough for a smooth progress bar."""

MAX_THREADS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What could be decoded.

    Attributes:
        images: uint8 (M, 3, S, S), in the order of the choice.
        kept: their positions in the source, int64 (M,).
        faults: one message per image that could not be decoded.
    """

    images: torch.Tensor
    kept: IntArray
    faults: tuple[str, ...]


def decode(source: ImageSource, chosen: IntArray, size: int, report: Callable[[int, int], None]) -> Decoded:
    """Decodes and resizes the chosen images.

    Args:
        source: where they come from.
        chosen: positions in it, int64 (N,).
        size: side in pixels.
        report: called with (done, N), from the calling thread.
    """
    images = torch.empty((len(chosen), 3, size, size), dtype=torch.uint8)
    pixels, faults = images.numpy(), dict[int, str]()

    def work(start: int) -> int:
        rows = range(start, min(start + CHUNK, len(chosen)))
        for row in rows:
            try:
                pixels[row] = fit(source.image(int(chosen[row])), size).transpose(2, 0, 1)
            except CorruptImageError as error:
                faults[row] = str(error)
        return len(rows)

    done = 0
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        for finished in pool.map(work, range(0, len(chosen), CHUNK)):
            done += finished
            report(done, len(chosen))
    good = np.array([row for row in range(len(chosen)) if row not in faults], dtype=np.int64)
    return Decoded(_compact(images, good), chosen[good], tuple(faults[row] for row in sorted(faults)))


def _compact(images: torch.Tensor, good: IntArray) -> torch.Tensor:
    """Moves the good rows to the front, in place: a copy would double the memory of a large data set."""
    for target, row in enumerate(good):
        if target != row:
            images[target] = images[row]
    return images[: len(good)]
