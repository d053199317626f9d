"""The CIFAR networks of the width-division results, which torchvision lacks, written from their papers.

Residual networks with three stages over images of 32 pixels (He et al., CVPR 2016), their wide pre-activation form
(Zagoruyko and Komodakis, BMVC 2016), and their grouped form (Xie et al., CVPR 2017). The shortcut is a 1 x 1
convolution where width or stride changes, and an identity everywhere else, so that node names do not depend on widths.
"""

from collections.abc import Callable

import torch
from torch import nn

from splitsearch.spaces.errors import UserError

__all__ = ["CifarResNeXt", "CifarResNet", "CifarWideResNet"]

_STAGES = 3
_WIDE_STEM = 16
_NEXT_PLANES, _NEXT_EXPANSION = 64, 4


class _Classifier(nn.Module):
    """Three stages between a stem and a classifier: images (N, 3, 32, 32) to logits (N, classes)."""

    stem: nn.Module
    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module

    def _finish(self, features: int, classes: int) -> None:
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(features, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classifies images."""
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        logits: torch.Tensor = self.fc(self.flatten(self.pool(x)))
        return logits


class CifarResNet(_Classifier):
    """ResNet for CIFAR: 6n + 2 layers of basic blocks, or 9n + 2 of bottleneck blocks.

    Attributes:
        depth: how many layers have weights.
        bottleneck: which blocks; the published ResNet-110 of 1.7 M parameters has basic ones, SplitNet's bottlenecks.
        base: planes of the first stage; they double from stage to stage.
    """

    def __init__(self, depth: int, *, bottleneck: bool = False, base: int = 16, classes: int = 100) -> None:
        super().__init__()
        per_stage = _blocks(depth, layers=9 if bottleneck else 6, rest=2)
        self.depth, self.bottleneck, self.base = depth, bottleneck, base
        block: Callable[..., nn.Module] = _BottleneckBlock if bottleneck else _BasicBlock
        expansion = 4 if bottleneck else 1
        self.stem = _conv_norm(3, base, 3, relu=True)
        before = base
        for stage in range(_STAGES):
            planes = base * 2**stage
            layers: list[nn.Module] = []
            for place in range(per_stage):
                layers.append(block(before, planes, planes * expansion, stride=_stride(stage, place)))
                before = planes * expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self._finish(before, classes)


class CifarResNeXt(_Classifier):
    """ResNeXt for CIFAR: 9n + 2 layers of bottleneck blocks whose middle convolution is grouped.

    Attributes:
        depth: how many layers have weights.
        groups: of the middle convolutions (cardinality).
        width_per_group: channels of one group in the first stage; they double from stage to stage.
    """

    def __init__(self, groups: int, width_per_group: int, *, depth: int = 29, classes: int = 100) -> None:
        super().__init__()
        per_stage = _blocks(depth, layers=9, rest=2)
        self.depth, self.groups, self.width_per_group = depth, groups, width_per_group
        self.stem = _conv_norm(3, _NEXT_PLANES, 3, relu=True)
        before = _NEXT_PLANES
        for stage in range(_STAGES):
            inner, after = groups * width_per_group * 2**stage, _NEXT_PLANES * _NEXT_EXPANSION * 2**stage
            layers: list[nn.Module] = []
            for place in range(per_stage):
                layers.append(_BottleneckBlock(before, inner, after, stride=_stride(stage, place), groups=groups))
                before = after
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self._finish(before, classes)


class CifarWideResNet(_Classifier):
    """Wide ResNet with pre-activation: 6n + 4 layers, stages of 16k, 32k and 64k channels behind a stem of 16.

    Attributes:
        depth: how many layers have weights, shortcuts included as in the paper.
        widen: k.
    """

    def __init__(self, depth: int, widen: int, *, classes: int = 100) -> None:
        super().__init__()
        per_stage = _blocks(depth, layers=6, rest=4)
        self.depth, self.widen = depth, widen
        self.stem = nn.Conv2d(3, _WIDE_STEM, 3, padding=1, bias=False)
        before = _WIDE_STEM
        for stage in range(_STAGES):
            planes = _WIDE_STEM * widen * 2**stage
            layers: list[nn.Module] = []
            for place in range(per_stage):
                layers.append(_PreActivationBlock(before, planes, stride=_stride(stage, place)))
                before = planes
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.norm = nn.BatchNorm2d(before)
        self.relu = nn.ReLU(inplace=True)
        self._finish(before, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classifies images."""
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        logits: torch.Tensor = self.fc(self.flatten(self.pool(self.relu(self.norm(x)))))
        return logits


class _BasicBlock(nn.Module):
    def __init__(self, before: int, planes: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv_norm(before, planes, 3, stride=stride, relu=True)
        self.conv2 = _conv_norm(planes, after, 3)
        self.shortcut = _shortcut(before, after, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        summed: torch.Tensor = self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))
        return summed


class _BottleneckBlock(nn.Module):
    def __init__(self, before: int, inner: int, after: int, *, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.conv1 = _conv_norm(before, inner, 1, relu=True)
        self.conv2 = _conv_norm(inner, inner, 3, stride=stride, groups=groups, relu=True)
        self.conv3 = _conv_norm(inner, after, 1)
        self.shortcut = _shortcut(before, after, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        summed: torch.Tensor = self.relu(self.conv3(self.conv2(self.conv1(x))) + self.shortcut(x))
        return summed


class _PreActivationBlock(nn.Module):
    """Norm and activation come first; a projecting shortcut takes the activated map, an identity the raw one."""

    def __init__(self, before: int, planes: int, *, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(before)
        self.relu1 = nn.ReLU()  # not in place: the identity needs the raw map
        self.conv1 = nn.Conv2d(before, planes, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(planes)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.projects = stride != 1 or before != planes
        self.shortcut = nn.Conv2d(before, planes, 1, stride=stride, bias=False) if self.projects else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = self.relu1(self.norm1(x))
        residual = self.conv2(self.relu2(self.norm2(self.conv1(active))))
        summed: torch.Tensor = residual + self.shortcut(active if self.projects else x)
        return summed


def _conv_norm(
    before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1, relu: bool = False
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def _shortcut(before: int, after: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 and before == after else _conv_norm(before, after, 1, stride=stride)


def _stride(stage: int, place: int) -> int:
    return 2 if stage > 0 and place == 0 else 1


def _blocks(depth: int, *, layers: int, rest: int) -> int:
    if depth <= rest or (depth - rest) % layers:
        below = max(layers, (depth - rest) // layers * layers) + rest
        raise UserError(f"a depth of {depth} is no {layers}n + {rest}; {below} and {below + layers} are")
    return (depth - rest) // layers
