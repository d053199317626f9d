"""What the milliseconds of a kernel depend on, as numbers: work for the mean, logarithms for what the mean leaves over.

Channels are padded to whole blocks: vector units compute 16 at once, whether 60 or 64 are asked for, and runtimes that
report kernels report padded ones. Logarithms make a factor of two in channels, positions or window one step.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splitsearch.profilers.predict.blocked import BLOCK, filled, takes_blocks
from splitsearch.profilers.predict.kernel import Kernel

__all__ = ["family", "shape_features", "work"]

_COSTLY = frozenset({"hardswish", "silu", "gelu", "sigmoid", "tanh", "hardsigmoid", "quickgelu"})
# How far apart two kernels are that say little of one another, in the unit of each feature.
_SCALES = (4.0, 4.0, 5.0, 2.0, 4.0, 3.0, 1.5, 1.0, 1.5)


def family(kernel: Kernel) -> str:
    """Kernels that one model describes: the kind, and for convolutions how their channels are connected."""
    if kernel.kind != "convolution":
        return kernel.kind
    if "convtranspose2d" in kernel.fused:
        return "transposed"
    if kernel.groups == 1:
        return "dense"
    return "depthwise" if kernel.groups >= kernel.in_channels else "grouped"


def work(kernel: Kernel) -> NDArray[np.float64]:
    """One launch, multiply-adds, elements read, elements written, weights read: what a mean is a sum of.

    Returns:
        (5,) numbers, all at least 0.
    """
    before, after = _padded(kernel)
    if kernel.kind != "convolution":
        macs = float(kernel.macs or kernel.outputs)
        return np.array([1.0, macs, kernel.inputs, kernel.outputs, kernel.parameters], dtype=float)
    inside = 1 if family(kernel) == "depthwise" else max(1, before // kernel.groups)
    weights = after * inside * math.prod(kernel.window)
    positions, entering = math.prod(kernel.out_size), math.prod(kernel.in_size)
    added = max(0, kernel.inputs - kernel.in_channels * entering)
    return np.array([1.0, weights * positions, before * entering + added, after * positions, weights], dtype=float)


def shape_features(kernels: Sequence[Kernel]) -> NDArray[np.float64]:
    """What two kernels of one family differ in; a distance of 1 in one of them makes them rather different.

    Returns:
        (kernels, features).
    """
    return (
        np.array([_features(kernel) for kernel in kernels], dtype=float).reshape(len(kernels), len(_SCALES)) / _SCALES
    )


def _features(kernel: Kernel) -> tuple[float, ...]:
    before, after = _padded(kernel)
    added = kernel.kind == "convolution" and "add" in kernel.fused
    return (
        math.log2(before),
        math.log2(after),
        math.log2(math.prod(kernel.out_size)),
        math.log2(math.prod(kernel.window)),
        float(min(kernel.stride, 8)),
        float(added),
        float(bool(_COSTLY & set(kernel.fused))),
        float(kernel.kind == "convolution" and not takes_blocks(kernel)),
        float(kernel.kind == "convolution" and kernel.groups == 1 and kernel.in_channels < BLOCK),
    )


def _padded(kernel: Kernel) -> tuple[int, int]:
    """Channels in and out as they are computed."""
    before, after = max(1, kernel.in_channels), max(1, kernel.out_channels)
    if kernel.kind == "convolution" and not takes_blocks(kernel):
        return before, after
    alone = kernel.kind == "convolution" and kernel.groups == 1 and before < BLOCK
    return before if alone else filled(before), filled(after)
