"""The C library's heap: whether memory that was freed stays with the process.

glibc hands large blocks back to the system at once, or not, depending on what else the process has allocated before
(`man 3 mallopt`: its thresholds move). Where it does, every large map of a network costs hundreds of page faults in
every run: in PyTorch on one thread, early heads of EfficientNet-B0 take up to three times as long, by chance
(`benchmarks/page_faults.py`). ONNX Runtime has an arena of its own.
"""

import ctypes

__all__ = ["keep_freed_memory"]

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
