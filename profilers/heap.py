"""The C library's heap: whether memory that was freed stays with the process, and where in it a network's maps lie.

glibc hands large blocks back to the system at once, or not, depending on what else the process has allocated before
(`man 3 mallopt`: its thresholds move). Where it does, every large map of a network costs hundreds of page faults in
every run: in PyTorch on one thread, early heads of EfficientNet-B0 take two or three times as long, by chance
(`benchmarks/heap.py`). Where it does not, the places that maps happen to get still move the time of a head by 10 or
20 %: what is measured at one layout is not found again in another process (Mytkowicz et al., ASPLOS 2009), what is
measured at many that are drawn at random is (Curtsinger and Berger, ASPLOS 2013). ONNX Runtime has an arena of its own.
"""

import ctypes
import random

import torch

__all__ = ["ShiftingHeap", "keep_freed_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGEST_BLOCK = 32 << 20  # the most that glibc takes
_KEPT = 1 << 30


def keep_freed_memory() -> bool:
    """From now on blocks of up to 32 MiB come from memory that the process has, up to 1 GiB of it.

    Returns:
        Whether the C library knows how; others than glibc are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; TypeError on Windows
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEPT))


class ShiftingHeap:
    """Blocks that lie between what a network allocates, so that its maps find other places after every shift."""

    _BLOCKS, _HELD = 32, 10
    _SIZES = (14.0, 20.0)  # powers of two, in elements of four bytes: 64 KiB to 4 MiB, as maps are

    def __init__(self, seed: int = 0) -> None:
        """Draws nothing from anybody else's numbers."""
        self._random = random.Random(seed)
        self._held: list[torch.Tensor] = []

    def shift(self) -> None:
        """Other blocks take the place of those before."""
        blocks = [torch.empty(int(2 ** self._random.uniform(*self._SIZES))) for _ in range(self._BLOCKS)]
        self._random.shuffle(blocks)
        self._held = blocks[: self._HELD]
