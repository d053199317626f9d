"""Kernel: one launch on a machine, described by what its duration depends on, whatever runtime launches it."""

from dataclasses import dataclass

__all__ = ["KINDS", "Kernel"]

KINDS = (
    "convolution",
    "linear",
    "matmul",
    "attention",
    "pool",
    "norm",
    "elementwise",
    "softmax",
    "concat",
    "copy",
    "other",
)
"""What a kernel does; `copy` moves or reorders elements and computes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One kernel on one image, after the runtime has fused what it fuses.

    Attributes:
        kind: one of `KINDS`: of the operator that decides the duration.
        fused: further operators that the same launch does, such as `("norm", "relu", "add")`.
        in_channels: channels, or features, of the main input.
        out_channels: channels, or features, of the output.
        in_size: height and width of the input map; positions and 1 for a sequence; 1 and 1 for a vector.
        out_size: the same of the output.
        window: height and width of the filter or pooling window; 1 and 1 where there is none.
        stride: step of the window.
        groups: of a convolution.
        macs: multiply-adds (1 MAC = 2 FLOPs).
        parameters: numbers read from the weights.
        inputs: elements read.
        outputs: elements written.
    """

    kind: str
    fused: tuple[str, ...] = ()
    in_channels: int = 1
    out_channels: int = 1
    in_size: tuple[int, int] = (1, 1)
    out_size: tuple[int, int] = (1, 1)
    window: tuple[int, int] = (1, 1)
    stride: int = 1
    groups: int = 1
    macs: int = 0
    parameters: int = 0
    inputs: int = 0
    outputs: int = 0
