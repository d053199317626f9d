"""A line of text for a chain of layers, so that encoders and decoders can be data: in presets, spaces and front files.

    conv7s2p3-64 bn relu maxpool3s2p1 bn relu conv2s2p1-b

`conv` kernel `s` stride `p` padding `-` output channels; `tconv` is its transpose, `maxpool` and `avgpool` take no
channels, `bn`, `relu`, `gdn` and `igdn` stand alone. Stride 1 and padding 0 may be left out. Output channels are a
number, `b` for the channels of the bottleneck, or `c` for those of the tensor that the decoder restores, times a
factor: `2c`. Convolutions have no bias, as in the published encoders.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from splitsearch.spaces.errors import InfeasibleError, UserError, nearest

__all__ = ["Chain", "GeneralisedDivisiveNormalisation", "Layer", "parse_chain"]

_SHAPED = ("conv", "tconv", "maxpool", "avgpool")
_PLAIN = ("bn", "relu", "gdn", "igdn")
_TOKEN = re.compile(
    r"(?P<kind>tconv|conv|maxpool|avgpool)(?P<kernel>\d+)(?:s(?P<stride>\d+))?(?:p(?P<padding>\d+))?(?:-(?P<out>\w+))?"
)
_CHANNELS = re.compile(r"(?P<factor>\d*)(?P<symbol>[bc])|(?P<number>\d+)")


class GeneralisedDivisiveNormalisation(nn.Module):
    """y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2), or its inverse (Balle et al., ICLR 2016, equation 2)."""

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(0.1 * torch.eye(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalises (N, C, H, W); the parameters are kept positive, so that the root is real."""
        weight = self.gamma.abs()[:, :, None, None]
        norm = nn.functional.conv2d(x.square(), weight, self.beta.abs() + 1e-6).sqrt()
        return x * norm if self.inverse else x / norm


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One token of a chain.

    Attributes:
        kind: `conv`, `tconv`, `maxpool`, `avgpool`, `bn`, `relu`, `gdn` or `igdn`.
        kernel: side in pixels, 0 for layers without one.
        stride: of the kernel.
        padding: on each side.
        out: output channels as written, None for layers that keep their channels.
    """

    kind: str
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    out: str | None = None

    def side(self, before: int) -> int:
        """Side of the output for a side of the input, by the formulas of torch's convolution and pooling layers."""
        if not self.kernel:
            return before
        if self.kind == "tconv":
            return (before - 1) * self.stride - 2 * self.padding + self.kernel
        return (before + 2 * self.padding - self.kernel) // self.stride + 1

    def channels(self, before: int, b: int, c: int) -> int:
        """Output channels, `b` and `c` put in."""
        if self.out is None:
            return before
        found = _CHANNELS.fullmatch(self.out)
        assert found is not None, "the parser lets nothing else through"
        if found["number"]:
            return int(found["number"])
        return int(found["factor"] or 1) * (b if found["symbol"] == "b" else c)

    def build(self, before: int, after: int) -> nn.Module:
        """The module, for channels before and after it."""
        kernel, stride, padding = self.kernel, self.stride, self.padding
        makers: dict[str, Callable[[], nn.Module]] = {
            "conv": lambda: nn.Conv2d(before, after, kernel, stride, padding, bias=False),
            "tconv": lambda: nn.ConvTranspose2d(before, after, kernel, stride, padding, bias=False),
            "maxpool": lambda: nn.MaxPool2d(kernel, stride, padding),
            "avgpool": lambda: nn.AvgPool2d(kernel, stride, padding),
            "bn": lambda: nn.BatchNorm2d(before),
            "relu": lambda: nn.ReLU(inplace=True),
            "gdn": lambda: GeneralisedDivisiveNormalisation(before),
            "igdn": lambda: GeneralisedDivisiveNormalisation(before, inverse=True),
        }
        return makers[self.kind]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Layers in order."""

    layers: tuple[Layer, ...]

    def shape(self, before: tuple[int, int, int], b: int, c: int) -> tuple[int, int, int]:
        """Channels, height and width of the output.

        Raises:
            InfeasibleError: a layer would leave no pixel.
        """
        channels, height, width = before
        for layer in self.layers:
            channels = layer.channels(channels, b, c)
            height, width = layer.side(height), layer.side(width)
            if min(height, width) < 1:
                raise InfeasibleError(f"a map of {before[1]} x {before[2]} is too small for the chain '{self}'")
        return channels, height, width

    def build(self, before: int, b: int, c: int) -> nn.Sequential:
        """The modules, with Kaiming-normal weights (fan out), as the published encoders start.

        Args:
            before: channels of the input.
            b: channels of the bottleneck.
            c: channels of the tensor that a decoder restores.
        """
        modules: list[nn.Module] = []
        for layer in self.layers:
            after = layer.channels(before, b, c)
            modules.append(layer.build(before, after))
            before = after
        for module in modules:
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        return nn.Sequential(*modules)

    def __str__(self) -> str:
        return " ".join(map(_token, self.layers))


def parse_chain(text: str) -> Chain:
    """Reads the notation.

    Raises:
        UserError: a token is no layer; the message names it and its place.
    """
    tokens = text.split()
    if not tokens:
        raise UserError("a chain of layers must name at least one layer, such as 'conv3s2p1-64 bn relu conv1-b'")
    return Chain(layers=tuple(_layer(place, token) for place, token in enumerate(tokens, start=1)))


def _layer(place: int, token: str) -> Layer:
    if token in _PLAIN:
        return Layer(kind=token)
    found = _TOKEN.fullmatch(token)
    if found is None:
        kind = re.match(r"[a-z]*", token)
        hint = nearest(kind[0] if kind else token, (*_SHAPED, *_PLAIN))
        raise UserError(f"layer {place} of a chain, '{token}', cannot be read{hint}; write such as conv3s2p1-64")
    layer = Layer(
        kind=found["kind"],
        kernel=int(found["kernel"]),
        stride=int(found["stride"] or 1),
        padding=int(found["padding"] or 0),
        out=found["out"],
    )
    _check(place, token, layer)
    return layer


def _check(place: int, token: str, layer: Layer) -> None:
    if layer.kernel < 1 or layer.stride < 1:
        raise UserError(f"layer {place} of a chain, '{token}', needs a kernel and a stride of at least 1")
    if "conv" in layer.kind and (layer.out is None or not _CHANNELS.fullmatch(layer.out) or _zero(layer.out)):
        raise UserError(f"layer {place} of a chain, '{token}', must name its output channels: a number, b or c")
    if "pool" in layer.kind and layer.out is not None:
        raise UserError(f"layer {place} of a chain, '{token}', pools and cannot change its channels")
    if "pool" in layer.kind and layer.padding > layer.kernel // 2:
        raise UserError(f"layer {place} of a chain, '{token}', may pad by at most half its kernel")


def _zero(out: str) -> bool:
    digits: Iterable[str] = [character for character in out if character.isdigit()]
    return bool(list(digits)) and int("".join(digits)) == 0


def _token(layer: Layer) -> str:
    if not layer.kernel:
        return layer.kind
    stride = f"s{layer.stride}" if layer.stride > 1 else ""
    padding = f"p{layer.padding}" if layer.padding else ""
    return f"{layer.kind}{layer.kernel}{stride}{padding}" + (f"-{layer.out}" if layer.out is not None else "")
