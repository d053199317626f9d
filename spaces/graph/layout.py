"""Which dimension of a tensor holds the channels, so that one bottleneck fits maps, tokens and vectors alike."""

import math

import torch

__all__ = ["channels", "from_map", "is_supported", "map_shape", "positions", "to_map"]

Shape = tuple[int, ...]


def is_supported(shape: Shape) -> bool:
    """Whether a bottleneck can stand at a tensor of this shape (batch left out): a map, tokens or a vector."""
    return 1 <= len(shape) <= 3


def _channels_last(shape: Shape) -> bool:
    """(T, C) tokens and (H, W, C) maps; a square first pair with an odd third, as swin has it, means the latter."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == shape[1] != shape[2])


def map_shape(shape: Shape) -> tuple[int, int, int]:
    """The shape as channels, height, width: tokens become a column of height T, a vector a single pixel."""
    if len(shape) == 1:
        return shape[0], 1, 1
    if len(shape) == 2:
        return shape[1], shape[0], 1
    return (shape[2], shape[0], shape[1]) if _channels_last(shape) else (shape[0], shape[1], shape[2])


def channels(shape: Shape) -> int:
    """The number of channels."""
    return map_shape(shape)[0]


def positions(shape: Shape) -> int:
    """Elements per channel."""
    return math.prod(map_shape(shape)[1:])


def to_map(x: torch.Tensor, shape: Shape) -> torch.Tensor:
    """(N, *shape) to (N, C, H, W)."""
    if len(shape) == 1:
        return x[:, :, None, None]
    if len(shape) == 2:
        return x.transpose(1, 2)[:, :, :, None]
    return x.permute(0, 3, 1, 2) if _channels_last(shape) else x


def from_map(x: torch.Tensor, shape: Shape) -> torch.Tensor:
    """(N, C, H, W) back to (N, *shape)."""
    if len(shape) == 1:
        return x[:, :, 0, 0]
    if len(shape) == 2:
        return x[:, :, :, 0].transpose(1, 2)
    return x.permute(0, 2, 3, 1) if _channels_last(shape) else x
