"""Decodes chosen images of a source, on threads: Pillow works outside the interpreter's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from splitsearch.searcher.data.resize import fit
from splitsearch.searcher.data.source import CorruptImageError, ImageSource, IntArray

__all__ = ["CHUNK", "Batch", "Decoded", "batches", "decode"]

CHUNK = 32
"""Images per task: enough to hide the cost of a task, few enough for a smooth progress bar."""

MAX_THREADS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some images of a choice, one after another.

    Attributes:
        images: uint8 (m, 3, S, S), those that could be decoded.
        dropped: places in the choice of the others.
        faults: one message for each of them.
        done: how many images of the choice lie behind, this batch included.
    """

    images: torch.Tensor
    dropped: tuple[int, ...]
    faults: tuple[str, ...]
    done: int


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What could be decoded of a choice.

    Attributes:
        images: uint8 (M, 3, S, S), in the order of the choice.
        kept: their positions in the source, int64 (M,).
        faults: one message per image that could not be decoded.
        blocks: checksums of the images' bytes where they are known.
    """

    images: torch.Tensor
    kept: IntArray
    faults: tuple[str, ...]
    blocks: tuple[str, ...] | None = None


def batches(source: ImageSource, chosen: IntArray, size: int, start: int = 0) -> Iterator[Batch]:
    """Decodes and resizes the chosen images in their order, a few batches ahead of whoever takes them.

    Args:
        source: where they come from.
        chosen: positions in it, int64 (N,).
        size: side in pixels.
        start: place in the choice of the first one that is wanted.
    """
    threads = min(MAX_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        tasks = (pool.submit(_batch, source, chosen, size, k) for k in range(start, len(chosen), CHUNK))
        ahead: deque[Future[Batch]] = deque(islice(tasks, 4 * threads))
        try:
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(islice(tasks, 1))
        finally:
            for task in ahead:
                task.cancel()


def decode(source: ImageSource, chosen: IntArray, size: int, report: Callable[[int, int], None]) -> Decoded:
    """Decodes and resizes the chosen images into memory.

    Args:
        source: where they come from.
        chosen: positions in it, int64 (N,).
        size: side in pixels.
        report: called with (done, N), from the calling thread.
    """
    images = torch.empty((len(chosen), 3, size, size), dtype=torch.uint8)
    dropped, faults, count = list[int](), list[str](), 0
    for batch in batches(source, chosen, size):
        images[count : count + len(batch.images)] = batch.images
        count += len(batch.images)
        dropped += batch.dropped
        faults += batch.faults
        report(batch.done, len(chosen))
    return Decoded(images[:count], np.delete(chosen, dropped), tuple(faults))


def _batch(source: ImageSource, chosen: IntArray, size: int, start: int) -> Batch:
    places = range(start, min(start + CHUNK, len(chosen)))
    images = torch.empty((len(places), 3, size, size), dtype=torch.uint8)
    pixels, count = images.numpy(), 0
    faults: dict[int, str] = {}
    for place in places:
        try:
            pixels[count] = fit(source.image(int(chosen[place])), size).transpose(2, 0, 1)
            count += 1
        except CorruptImageError as error:
            faults[place] = str(error)
    return Batch(images[:count], tuple(faults), tuple(faults.values()), places.stop)
