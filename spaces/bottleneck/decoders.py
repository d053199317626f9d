"""What the server computes first: the tensor at the cut, restored from the narrow one.

The linear path alone is the inverse of principal component analysis: `start_from` sets it to the optimum, so that a
short training starts where linear compression ends, and the light decoder's convolutions only add what a linear map
cannot. The decoders of head network distillation cost more multiply-adds than the head that they replace; this one is
cheap, because its two spatial convolutions stay at 128 channels.
"""

import torch
from torch import nn

from splitsearch.spaces.bottleneck.published import decoder_chain
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.layout import Shape, from_map, map_shape

__all__ = ["ChainDecoder", "Decoder", "check_decoder", "decoder"]

_HIDDEN = 128
_OWN = ("light", "linear")


def decoder(name: str, narrow: tuple[int, int, int], shape: Shape) -> nn.Module:
    """Builds a decoder.

    Args:
        name: `light`, `linear`, a published decoder, or a chain of layers.
        narrow: channels, height and width of the bottleneck.
        shape: the tensor at the cut, without the batch dimension.

    Raises:
        InfeasibleError: a published decoder or a chain does not lead to this shape.
        UserError: no such decoder.
    """
    check_decoder(name, narrow, shape)
    if name in _OWN:
        return Decoder(narrow, shape, refined=name == "light")
    return ChainDecoder(decoder_chain(name).build(narrow[0], narrow[0], map_shape(shape)[0]), shape)


def check_decoder(name: str, narrow: tuple[int, int, int], shape: Shape) -> None:
    """Raises what `decoder` would raise, without building one."""
    if name in _OWN:
        return
    chain = decoder_chain(name)
    wide, height, width = map_shape(shape)
    reached = chain.shape(narrow, narrow[0], wide)
    if reached != (wide, height, width):
        raise InfeasibleError(
            f"the decoder '{name}' makes {_times(reached)} of {_times(narrow)}, but the tensor at the cut is "
            f"{_times((wide, height, width))}"
        )


def _times(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))


class ChainDecoder(nn.Module):
    """Layers as drawn: (N, channels, H, W) to (N, *shape)."""

    def __init__(self, layers: nn.Sequential, shape: Shape) -> None:
        super().__init__()
        self.layers = layers
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Widens the tensor."""
        return from_map(self.layers(x), self.shape)


class Decoder(nn.Module):
    """A linear path, and a convolutional one beside it if `refined`: (N, channels, h, w) to (N, *shape)."""

    def __init__(self, narrow: tuple[int, int, int], shape: Shape, *, refined: bool = True) -> None:
        super().__init__()
        self.shape = shape
        channels = narrow[0]
        wide, height, width = map_shape(shape)
        # Bilinear, on the few channels of the bottleneck, where it costs next to nothing.
        self.enlarge = (
            nn.Identity()
            if narrow[1:] == (height, width)
            else nn.Upsample((height, width), mode="bilinear", align_corners=False)
        )
        self.linear = nn.Conv2d(channels, wide, 1)
        self.refine = _refinement(channels, wide, kernel=3 if min(height, width) > 1 else 1) if refined else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Widens the tensor."""
        x = self.enlarge(x)
        restored = self.linear(x)
        if self.refine is not None:
            restored = restored + self.refine(x)
        return from_map(restored, self.shape)

    @torch.no_grad()
    def start_from(self, components: torch.Tensor, mean: torch.Tensor) -> None:
        """Starts as the inverse of `Encoder.start_from` on the same components."""
        self.linear.weight.copy_(components[:, :, None, None])
        bias = self.linear.bias
        assert bias is not None
        bias.copy_(mean)


def _refinement(channels: int, wide: int, *, kernel: int) -> nn.Sequential:
    hidden = min(_HIDDEN, wide)
    layers = nn.Sequential(
        nn.Conv2d(channels, hidden, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, wide, 1),
    )
    # The refinement starts at nothing, so that the decoder starts as its linear path.
    for parameter in layers[-1].parameters():
        nn.init.zeros_(parameter)
    return layers
