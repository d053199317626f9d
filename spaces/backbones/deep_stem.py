"""ImageNet ResNets with a stem of three 3 x 3 convolutions, as the width-division results were measured with.

torchvision's stem is one 7 x 7 convolution of 64 channels; SplitNet's (Zhao et al., IEEE T-IP 2022) is three of 64, 64
and 128, the first with stride 2 (He et al., "Bag of Tricks", CVPR 2019, call it ResNet-C). It costs 1.4 GMACs more at
224 pixels, and the first stage takes 128 channels in place of 64.
"""

from typing import Any

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

__all__ = ["DeepStemResNet", "deep_resnext101_64x4d", "deep_wide_resnet50_2", "deep_wide_resnet50_3"]

_STEM = (64, 64, 128)
_FIRST_STAGE = 64


class DeepStemResNet(ResNet):  # type: ignore[misc]  # torchvision ships no types
    """torchvision's ResNet behind the deep stem.

    Args:
        block: of torchvision.
        layers: blocks of the four stages.
        options: of torchvision's ResNet.
    """

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], layers: list[int], **options: Any) -> None:
        super().__init__(block, layers, **options)
        self.conv1 = _stem()
        self.bn1 = self._norm_layer(_STEM[-1])

    def _make_layer(self, block: Any, planes: int, *rest: Any, **options: Any) -> nn.Sequential:
        if planes == _FIRST_STAGE:
            self.inplanes = _STEM[-1]  # torchvision's constructor builds the first stage for its own stem
        stage: nn.Sequential = super()._make_layer(block, planes, *rest, **options)
        return stage


def deep_resnext101_64x4d(classes: int = 1000, *, groups: int = 64) -> nn.Module:
    """ResNeXt-101 64x4d: 83.6 M parameters and 16.9 GMACs at 224 pixels."""
    return DeepStemResNet(Bottleneck, [3, 4, 23, 3], num_classes=classes, groups=groups, width_per_group=4)


def deep_wide_resnet50_2(classes: int = 1000) -> nn.Module:
    """Wide ResNet-50-2: 68.9 M parameters and 12.8 GMACs at 224 pixels."""
    return DeepStemResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes, width_per_group=128)


def deep_wide_resnet50_3(classes: int = 1000) -> nn.Module:
    """Wide ResNet-50-3: 135.0 M parameters and 23.8 GMACs at 224 pixels."""
    return DeepStemResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes, width_per_group=192)


def _stem() -> nn.Sequential:
    first, second, third = _STEM
    stem = nn.Sequential(
        nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, second, 3, padding=1, bias=False),
        nn.BatchNorm2d(second),
        nn.ReLU(inplace=True),
        nn.Conv2d(second, third, 3, padding=1, bias=False),
    )
    for layer in stem:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return stem
