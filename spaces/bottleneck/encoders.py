"""What the device computes last: the narrow tensor, from the tensor at the cut or straight from the image.

Heads that keep the backbone's own layers end in one convolution. A mimic head replaces those layers altogether: a small
student that gives what the teacher's head gives (Matsubara et al., IEEE Access 2020). Theirs is drawn by hand for three
networks; the compact one is generated for any target from its width, depth and stride.
"""

import math

import torch
from torch import nn

from splitsearch.spaces.bottleneck.published import encoder_chain
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.layout import Shape, map_shape, to_map

__all__ = ["Encoder", "MimicEncoder", "activation", "encoded_shape", "mimic_encoder", "mimic_shape", "strided_side"]

_RIDGE = 1e-3
_DOUBLINGS = 3  # a compact encoder doubles its channels with each stride, up to eight times the first width


def activation(name: str) -> nn.Module:
    """What stands between the last convolution and the quantiser: `none`, `relu` or `tanh`."""
    return {"none": nn.Identity(), "relu": nn.ReLU(), "tanh": nn.Tanh()}[name]


def strided_side(side: int, stride: int) -> int:
    """Side of the bottleneck, rounded up, so that no pixel of the tensor at the cut is lost."""
    return math.ceil(side / stride)


def encoded_shape(shape: Shape, channels: int, stride: int) -> tuple[int, int, int]:
    """What an `Encoder` makes of a tensor at a cut, without building it.

    Raises:
        InfeasibleError: the map is smaller than the stride.
    """
    _, height, width = map_shape(shape)
    if stride > 1 and min(height, width) < stride:
        raise InfeasibleError(f"a stride of {stride} is above the {min(height, width)} pixels of a tensor {shape}")
    return channels, strided_side(height, stride), strided_side(width, stride)


class Encoder(nn.Module):
    """One convolution on the tensor at the cut: (N, *shape) to (N, channels, H / stride, W / stride)."""

    def __init__(self, shape: Shape, channels: int, *, stride: int = 1, activation_name: str = "none") -> None:
        super().__init__()
        self.shape = shape
        wide, height, width = map_shape(shape)
        encoded_shape(shape, channels, stride)
        self.pad = nn.ZeroPad2d((0, -width % stride, 0, -height % stride))
        self.project = nn.Conv2d(wide, channels, stride, stride)
        self.activation = activation(activation_name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Narrows the tensor."""
        narrow: torch.Tensor = self.activation(self.project(self.pad(to_map(x, self.shape))))
        return narrow

    @torch.no_grad()
    def start_from(self, components: torch.Tensor, mean: torch.Tensor) -> None:
        """Starts as a projection on principal components, averaged over the pixels of a stride.

        Args:
            components: (C, channels), orthonormal columns.
            mean: (C,) mean over positions.
        """
        side = self.project.kernel_size[0]
        self.project.weight.copy_(components.t()[:, :, None, None].expand(-1, -1, side, side) / side**2)
        bias = self.project.bias
        assert bias is not None
        bias.copy_(-(mean @ components))


class MimicEncoder(nn.Module):
    """Images (N, 3, S, S) to the bottleneck (N, channels, H, W)."""

    def __init__(self, features: nn.Sequential, fit: nn.Module, project: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.fit = fit
        self.project = project

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes images."""
        narrow: torch.Tensor = self.project(self.fit(self.features(x)))
        return narrow

    @torch.no_grad()
    def start_towards(self, images: torch.Tensor, wanted: torch.Tensor) -> None:
        """Starts the last convolution at the least-squares map from random features to a narrow tensor.

        The features stay as they were drawn; norm layers take the statistics of these images, as they will in the
        first step of a training.

        Args:
            images: (N, 3, S, S), some hundred.
            wanted: (N, channels, H, W), what the encoder should give for them.
        """
        before = self.features.training
        features = self.fit(self.features.train()(images))
        self.features.train(before)
        last = next(module for module in self.project.modules() if isinstance(module, nn.Conv2d))
        rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
        weight, bias = _least_squares(rows, wanted.permute(0, 2, 3, 1).reshape(-1, wanted.shape[1]))
        last.weight.copy_(weight[:, :, None, None])
        assert last.bias is not None
        last.bias.copy_(bias)


def _least_squares(rows: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (channels, C) and biases (channels,) of the ridge regression of (n, channels) on (n, C).

    The ridge is a thousandth of the features' mean variance: features that always agree get weights that stay small.
    """
    mean, aim = rows.mean(0), wanted.mean(0)
    centred = (rows - mean).double()
    square = centred.t() @ centred
    ridge = _RIDGE * float(square.diagonal().mean()) + torch.finfo(torch.float32).tiny
    square.diagonal().add_(ridge)
    weight = torch.linalg.solve(square, centred.t() @ (wanted - aim).double()).float().t()
    return weight, aim - weight @ mean


def mimic_shape(
    shape: Shape, channels: int, image_size: int, *, name: str = "compact", stride: int = 1
) -> tuple[int, int, int]:
    """The shape of the bottleneck that a mimic encoder makes, without building it.

    Args and errors are those of `mimic_encoder`.
    """
    if name != "compact":
        return _published_shape(name, channels, image_size, stride)
    _, height, wide = map_shape(shape)
    if len(shape) == 2 or height != wide:
        raise InfeasibleError(f"a mimic head needs a square map or a vector at the cut, not a tensor of shape {shape}")
    if stride > 1 and height < stride:
        raise InfeasibleError(f"a stride of {stride} is above the {height} pixels of a tensor {shape}")
    side = strided_side(height, stride)
    return channels, side, side


def mimic_encoder(  # noqa: PLR0913  # one parameter per field of a configuration
    shape: Shape,
    channels: int,
    image_size: int,
    *,
    name: str = "compact",
    width: int = 32,
    depth: int = 1,
    stride: int = 1,
    activation_name: str = "none",
) -> tuple[nn.Module, tuple[int, int, int]]:
    """Builds an encoder that takes the place of the backbone's own layers.

    Args:
        shape: the teacher's tensor that is imitated, without the batch dimension.
        channels: of the bottleneck.
        image_size: side of the input in pixels.
        name: `compact`, a published encoder, or a chain of layers.
        width: channels of a compact encoder's first convolution.
        depth: convolutions of a compact encoder at the size of the bottleneck.
        stride: how much smaller than the target's the sides of a compact encoder's bottleneck are.
        activation_name: after the last convolution.

    Returns:
        The encoder and the shape of its output.

    Raises:
        InfeasibleError: the target is no map of an image, or the image is too small.
        UserError: no such encoder.
    """
    narrow = mimic_shape(shape, channels, image_size, name=name, stride=stride)
    if name != "compact":
        return _published(name, channels, activation_name), narrow
    side = narrow[1]
    features, reached, after = _compact(image_size, side, width, depth)
    # Where strides alone reach the target, nothing is left to pool.
    fit = nn.Identity() if reached == side else nn.AdaptiveAvgPool2d(side)
    project: nn.Module = nn.Conv2d(after, channels, 1)
    if activation_name != "none":
        project = nn.Sequential(project, activation(activation_name))
    return MimicEncoder(features, fit, project), narrow


def _published_shape(name: str, channels: int, image_size: int, stride: int) -> tuple[int, int, int]:
    if stride > 1:
        raise InfeasibleError(f"the encoder '{name}' has its own strides: stride must be 1, not {stride}")
    shape = encoder_chain(name).shape((3, image_size, image_size), channels, channels)
    if shape[0] != channels:
        raise InfeasibleError(f"the encoder '{name}' ends in {shape[0]} channels: its last layer must make b of them")
    return shape


def _published(name: str, channels: int, activation_name: str) -> nn.Module:
    modules = encoder_chain(name).build(3, channels, channels)
    if activation_name != "none":
        modules.append(activation(activation_name))
    return modules


def _compact(image_size: int, side: int, width: int, depth: int) -> tuple[nn.Sequential, int, int]:
    """The convolutions, the side of their output, and its channels."""
    strides = max(1, round(math.log2(image_size / side)))
    widths = [width * 2 ** min(k, _DOUBLINGS) for k in range(strides)]
    layers: list[nn.Module] = []
    before, reached = 3, image_size
    for after in widths:
        layers += _block(before, after, stride=2)
        before, reached = after, math.ceil(reached / 2)
    for _ in range(depth):
        layers += _block(before, before, stride=1)
    return nn.Sequential(*layers), reached, before


def _block(before: int, after: int, *, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    ]
