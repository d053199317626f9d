"""The encoder and decoder around the narrow tensor, for heads that keep the backbone's own layers.

The linear path alone is principal component analysis: `start_from` sets it to the optimum, so that a short training
starts where linear compression ends, and the decoder's convolutions only add what a linear map cannot.
"""

import torch
from torch import nn

from splitsearch.spaces.graph.layout import Shape, from_map, map_shape, to_map

__all__ = ["Decoder", "Encoder"]

_HIDDEN = 128  # channels inside the decoder; it runs on the server, where they cost little


class Encoder(nn.Module):
    """A 1 x 1 convolution on the tensor at the cut: (N, *shape) to (N, channels, H, W)."""

    def __init__(self, shape: Shape, channels: int) -> None:
        super().__init__()
        self.shape = shape
        self.project = nn.Conv2d(map_shape(shape)[0], channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Narrows the tensor."""
        narrow: torch.Tensor = self.project(to_map(x, self.shape))
        return narrow

    @torch.no_grad()
    def start_from(self, components: torch.Tensor, mean: torch.Tensor) -> None:
        """Starts as a projection on principal components.

        Args:
            components: (C, channels), orthonormal columns.
            mean: (C,) mean over positions.
        """
        self.project.weight.copy_(components.t()[:, :, None, None])
        bias = self.project.bias
        assert bias is not None
        bias.copy_(-(mean @ components))


class Decoder(nn.Module):
    """Restores the tensor at the cut: (N, channels, H, W) to (N, *shape); a linear path and a convolutional one."""

    def __init__(self, shape: Shape, channels: int) -> None:
        super().__init__()
        self.shape = shape
        wide, height, width = map_shape(shape)
        hidden = min(_HIDDEN, wide)
        kernel = 3 if min(height, width) > 1 else 1
        self.linear = nn.Conv2d(channels, wide, 1)
        self.refine = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, wide, 1),
        )
        # The refinement starts at nothing, so that the decoder starts as its linear path.
        for parameter in self.refine[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Widens the tensor."""
        return from_map(self.linear(x) + self.refine(x), self.shape)

    @torch.no_grad()
    def start_from(self, components: torch.Tensor, mean: torch.Tensor) -> None:
        """Starts as the inverse of `Encoder.start_from` on the same components."""
        self.linear.weight.copy_(components[:, :, None, None])
        bias = self.linear.bias
        assert bias is not None
        bias.copy_(mean)
