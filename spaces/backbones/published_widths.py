"""DenseNets and EfficientNets divided by the width rules that SplitNet publishes for them.

Zhao et al. (IEEE T-IP 2022) shrink a DenseNet by its growth and an EfficientNet by a table of stage widths drawn by
hand; both are arguments of torchvision's constructors, through which the narrow network is built.
"""

import math
from functools import partial
from typing import Any

from torch import nn

from splitsearch.spaces.backbones.rebuild import built_like

__all__ = ["EFFICIENTNET_WIDTHS", "EfficientNetWidths", "densenet_growth", "divided_densenet", "divided_efficientnet"]

EfficientNetWidths = tuple[int, tuple[int, ...], int]
"""Channels of the stem, of the seven stages, and before the classifier."""

EFFICIENTNET_WIDTHS: dict[int, EfficientNetWidths] = {
    1: (32, (16, 24, 40, 80, 112, 192, 320), 1280),
    2: (24, (12, 16, 24, 56, 80, 136, 224), 920),
    4: (16, (12, 16, 20, 40, 56, 96, 160), 640),
    # Not published: the first row over sqrt(8), rounded to four as B0's widths are to eight.
    8: (12, (8, 8, 16, 28, 40, 68, 112), 452),
}
"""Number of networks to the widths of each as EfficientNet-B0."""

# Table 1 of Tan and Le (ICML 2019): expansion, kernel and stride of the seven stages.
_STAGES = ((1, 3, 1), (6, 3, 2), (6, 5, 2), (6, 3, 2), (6, 5, 1), (6, 5, 2), (6, 3, 1))
_WHOLE_STEP, _DIVIDED_STEP = 8, 4


def densenet_growth(growth: int, nets: int) -> int:
    """Growth of each of `nets` networks: 40 gives 28 for two and 20 for four."""
    return int(2 * growth / math.sqrt(nets)) // 2


def divided_densenet(module: nn.Module, nets: int) -> nn.Module | None:
    """One member of a divided DenseNet: smaller growth, and twice the growth in the first convolution.

    Returns:
        None if the network is no torchvision DenseNet.
    """
    from torchvision.models.densenet import DenseNet

    if type(module) is not DenseNet:
        return None
    dense: Any = module
    blocks = [child for name, child in dense.features.named_children() if name.startswith("denseblock")]
    layer = blocks[0]["denselayer1"]
    growth = densenet_growth(layer.conv2.out_channels, nets)
    return built_like(
        module,
        lambda: DenseNet(
            growth_rate=growth,
            block_config=tuple(len(block) for block in blocks),
            num_init_features=2 * growth,
            bn_size=layer.conv1.out_channels // layer.conv2.out_channels,
            drop_rate=layer.drop_rate,
            num_classes=dense.classifier.out_features,
            memory_efficient=layer.memory_efficient,
        ),
    )


def divided_efficientnet(module: nn.Module, nets: int) -> nn.Module | None:
    """One member of a divided EfficientNet (the first version, B0 to B7).

    The row of the table is scaled by the network's width multiplier, which is read off its last stage, and rounded as
    EfficientNet does, but to multiples of four where the whole has eights. Depths stay.

    Args:
        module: any network.
        nets: a key of `EFFICIENTNET_WIDTHS`.

    Returns:
        None if the network is no such EfficientNet.
    """
    from torchvision.models.efficientnet import EfficientNet

    efficient: Any = module
    if type(module) is not EfficientNet or len(efficient.features) != len(_STAGES) + 2:
        return None
    _, whole, _ = EFFICIENTNET_WIDTHS[1]
    found = [stage[0].out_channels for stage in efficient.features[1:-1]]
    factor = found[-1] / whole[-1]
    if found != [_rounded(width * factor, _WHOLE_STEP) for width in whole]:
        return None
    return built_like(module, lambda: _efficientnet(efficient, factor, EFFICIENTNET_WIDTHS[nets]))


def _efficientnet(module: Any, factor: float, widths: EfficientNetWidths) -> nn.Module:
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig

    class Fours(MBConvConfig):  # type: ignore[misc]  # torchvision ships no types
        """Stage settings whose widths are multiples of four; the constructor asks them to round."""

        @staticmethod
        def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
            return _rounded(channels * width_mult, _DIVIDED_STEP)

    stem, stages, head = widths
    whole_stages = module.features[1:-1]
    settings = [
        Fours(expand, kernel, stride, before, after, len(whole), width_mult=factor)
        for (expand, kernel, stride), before, after, whole in zip(
            _STAGES, (stem, *stages), stages, whole_stages, strict=False
        )
    ]
    norm = module.features[0][1]
    blocks = sum(len(stage) for stage in whole_stages)
    narrow: nn.Module = EfficientNet(
        settings,
        module.classifier[0].p,
        # The last block drops with this probability times (blocks - 1) / blocks.
        stochastic_depth_prob=whole_stages[-1][-1].stochastic_depth.p * blocks / (blocks - 1),
        num_classes=module.classifier[-1].out_features,
        norm_layer=partial(nn.BatchNorm2d, eps=norm.eps, momentum=norm.momentum),
        last_channel=_rounded(head * factor, _DIVIDED_STEP),
    )
    return narrow


def _rounded(width: float, step: int) -> int:
    """The nearest multiple, but never more than a tenth below: EfficientNet's own rule."""
    near = max(step, int(width + step / 2) // step * step)
    return near + step if near < 0.9 * width else near
