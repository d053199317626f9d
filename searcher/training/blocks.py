"""Checksums of large arrays block by block: an altered byte is noticed, and an identity needs no second reading."""

import hashlib
import os
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["BLOCK_BYTES", "Bytes", "StreamedBlocks", "as_bytes", "checksums", "first_difference"]

BLOCK_BYTES = 4 * 2**20
"""Length of a block; the last one may be shorter."""

Bytes = npt.NDArray[np.uint8]

_WINDOW = 64  # blocks that are hashed between two looks at the results


def as_bytes(tensor: torch.Tensor) -> Bytes:
    """The bytes of a tensor in its order, uint8 (n,); no copy where the tensor is contiguous and on the CPU."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy() if flat.numel() else np.empty(0, dtype=np.uint8)


def checksums(data: Bytes) -> tuple[str, ...]:
    """SHA-256 of every block of `data`, uint8 (n,), in hexadecimal; none for no bytes."""
    return tuple(_hashed(data, range(_count(len(data)))))


def first_difference(data: Bytes, blocks: Sequence[str], sample: int | None = None) -> int | None:
    """The number of a block that is not what it was, or None.

    Args:
        data: uint8 (n,).
        blocks: what `checksums` gave for it.
        sample: how many blocks to look at, drawn anew each time; None looks at all.
    """
    if _count(len(data)) != len(blocks):
        return min(_count(len(data)), len(blocks))
    chosen = range(len(blocks))
    looked_at = chosen if sample is None or sample >= len(blocks) else sorted(random.sample(chosen, sample))
    for number, found in zip(looked_at, _hashed(data, looked_at), strict=True):
        if found != blocks[number]:
            return number
    return None


class StreamedBlocks:
    """The same checksums of bytes that come piece by piece."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._hash = hashlib.sha256()
        self._filled = 0

    def update(self, data: Bytes) -> None:
        """Takes the next bytes, uint8 (n,)."""
        view = data.data
        while view:
            piece = view[: BLOCK_BYTES - self._filled]
            self._hash.update(piece)
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == BLOCK_BYTES:
                self._done.append(self._hash.hexdigest())
                self._hash, self._filled = hashlib.sha256(), 0

    def finish(self) -> tuple[str, ...]:
        """The checksums of all that came."""
        return (*self._done, self._hash.hexdigest()) if self._filled else tuple(self._done)


def _count(length: int) -> int:
    return -(-length // BLOCK_BYTES)


def _hashed(data: Bytes, numbers: Sequence[int]) -> Iterable[str]:
    """On threads: hashing leaves the interpreter's lock; in windows, so that a bad block ends the reading early."""

    def one(number: int) -> str:
        return hashlib.sha256(data.data[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]).hexdigest()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(numbers), _WINDOW):
            yield from pool.map(one, numbers[start : start + _WINDOW])
