"""A compact encoder that takes the place of the backbone's own layers, as in head network distillation.

Matsubara et al. (IEEE Access, 2020) let a small student imitate the activation that the teacher's head produces. Theirs
is drawn by hand for three networks; this one is generated for any target map: strided convolutions down to the size of
the target, one more at that size, and a 1 x 1 convolution to the bottleneck.
"""

import math

import torch
from torch import nn

from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.layout import Shape, map_shape

__all__ = ["MimicEncoder", "mimic_encoder"]

_FIRST, _WIDEST = 32, 256


class MimicEncoder(nn.Module):
    """Images (N, 3, S, S) to the bottleneck (N, channels, H, W)."""

    def __init__(self, *, strides: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        widths = [min(_FIRST * 2**k, _WIDEST) for k in range(strides)]
        layers: list[nn.Module] = []
        before = 3
        for after in widths:
            layers += _block(before, after, stride=2)
            before = after
        layers += _block(before, before, stride=1)
        self.features = nn.Sequential(*layers)
        self.fit: nn.Module = nn.AdaptiveAvgPool2d((height, width))
        self.project = nn.Conv2d(before, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes images."""
        narrow: torch.Tensor = self.project(self.fit(self.features(x)))
        return narrow


def mimic_encoder(shape: Shape, channels: int, image_size: int) -> nn.Module:
    """Builds the encoder for the tensor at a cut.

    Args:
        shape: the teacher's tensor that is imitated, without the batch dimension.
        channels: of the bottleneck.
        image_size: side of the input in pixels.

    Raises:
        InfeasibleError: the target is no map of an image: tokens have no place that strides could reach.
    """
    _, height, width = map_shape(shape)
    if len(shape) == 2 or height != width:
        raise InfeasibleError(f"a mimic head needs a square map or a vector at the cut, not a tensor of shape {shape}")
    strides = max(1, round(math.log2(image_size / height)))
    side = image_size
    for _ in range(strides):
        side = math.ceil(side / 2)
    encoder = MimicEncoder(strides=strides, channels=channels, height=height, width=width)
    if side == height:
        encoder.fit = nn.Identity()  # strides alone reach the target: nothing to pool
    return encoder


def _block(before: int, after: int, *, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    ]
