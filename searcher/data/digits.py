"""`digits`: 1,797 handwritten digits of 8x8 pixels that ship inside scikit-learn, no network needed."""

from pathlib import Path

import numpy as np

from splitsearch.searcher.data.registry import dataset
from splitsearch.searcher.data.source import ArraySource, SourcePair

__all__ = ["open_digits"]

FULL_INK = 16
"""Largest value of a pixel in scikit-learn's digits."""

DEFAULT_SIZE = 32
"""Side in pixels: convolutional backbones find nothing to pool in 8x8."""


@dataset("digits", flips=False)
def open_digits(_argument: str, _data_dir: Path | None) -> SourcePair:
    """Opens the digits, grey repeated over three channels; the preparation holds out the same images every time."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.rint(digits.images * (255 / FULL_INK)).astype(np.uint8)
    source = ArraySource(np.repeat(grey[..., None], 3, axis=3), digits.target.astype(np.int64))
    classes = tuple(str(name) for name in digits.target_names)
    return SourcePair(train=source, val=None, classes=classes, default_size=DEFAULT_SIZE)
