"""The state in which fvcore counts: silent, and with attention as plain matrix products.

fvcore traces with torch.jit, which warns on every network. In evaluation mode PyTorch replaces multi-head attention by
one fused call that no counter opens; a vision transformer then lacks a third of its multiply-adds.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["quiet"]


@contextmanager
def quiet() -> Iterator[None]:
    """Silences fvcore and the tracer, and turns fused attention off, inside the block."""
    logger = logging.getLogger("fvcore")
    level = logger.level
    fused = torch.backends.mha.get_fastpath_enabled()
    logger.setLevel(logging.ERROR)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        torch.backends.mha.set_fastpath_enabled(fused)
