"""Narrower networks of torchvision's own making, where channels cannot be removed from a given one.

Attention splits its channels into heads, and a channel shuffle mixes two halves: torch-pruning follows neither. Such a
family is built again through its own constructor with smaller arguments, which are read off the instance. Grouped and
wide ResNets are here too, since division changes one number of theirs and not all widths.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from splitsearch.spaces.errors import InfeasibleError

__all__ = ["built_like", "groups_each", "is_plain_resnet", "rebuild", "rebuild_groups"]

_STEP = 4
# SplitNet implements two networks for these (Zhao et al., IEEE T-IP 2022); both widths are below width / sqrt(nets).
_PUBLISHED_WIDE = {(128, 2): 64, (192, 2): 128}


def rebuild(module: nn.Module, factor: float) -> nn.Module | None:
    """A network of the same family with about `factor` of the channels, in evaluation mode and with fresh weights.

    Channels are rounded to the nearest multiple of four (a tie goes up) and stay at least four; in transformers, to
    whole heads, whose dimension stays: 96 channels in three heads can become 64 or 32, and nothing between.

    Args:
        module: any network.
        factor: of the channels, above 0.

    Returns:
        None if the network is no ShuffleNetV2, Swin, ViT or MaxViT of torchvision, or a ViT with a stem of
        convolutions.
    """
    from torchvision.models.maxvit import MaxVit
    from torchvision.models.shufflenetv2 import ShuffleNetV2
    from torchvision.models.swin_transformer import SwinTransformer
    from torchvision.models.vision_transformer import VisionTransformer

    families: dict[type, Callable[[Any, float], nn.Module]] = {
        ShuffleNetV2: _shufflenet,
        SwinTransformer: _swin,
        VisionTransformer: _vit,
        MaxVit: _maxvit,
    }
    build = families.get(type(module))  # a subclass has a constructor that nobody knows here
    if build is None or not isinstance(getattr(module, "conv_proj", None), nn.Conv2d | None):
        return None
    return built_like(module, lambda: build(module, factor))


def rebuild_groups(module: nn.Module, nets: int) -> nn.Module | None:
    """One of `nets` members of a torchvision ResNeXt or wide ResNet, by SplitNet's rule: outer widths stay.

    ResNeXt: groups / nets, of the same width each. Wide ResNets: the inner width of 64 planes, 128 -> 64 and 192 -> 128
    for two networks as published, else width / sqrt(nets) rounded to a multiple of four.

    Args:
        module: any network.
        nets: how many networks share the work.

    Returns:
        None if the network is neither.

    Raises:
        InfeasibleError: the groups cannot be dealt out evenly.
    """
    if not _is_resnet(module) or is_plain_resnet(module):
        return None
    resnet: Any = module
    groups, width = resnet.groups, resnet.base_width
    if groups == 1:
        width = _PUBLISHED_WIDE.get((width, nets)) or _near(width / math.sqrt(nets), _STEP)
    else:
        groups = groups_each(groups, nets)
    stages = [resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4]
    dilations = [stage[-1].conv2.dilation[0] for stage in stages]
    return built_like(
        module,
        lambda: type(resnet)(
            type(resnet.layer1[0]),
            [len(stage) for stage in stages],
            num_classes=resnet.fc.out_features,
            groups=groups,
            width_per_group=width,
            replace_stride_with_dilation=[dilations[k] > dilations[k - 1] for k in (1, 2, 3)],
            norm_layer=resnet._norm_layer,
        ),
    )


def groups_each(groups: int, nets: int) -> int:
    """Groups of one of `nets` members.

    Raises:
        InfeasibleError: they cannot be dealt out evenly.
    """
    if groups % nets:
        raise InfeasibleError(f"{groups} groups cannot be dealt out evenly to {nets} networks")
    return groups // nets


def is_plain_resnet(module: nn.Module) -> bool:
    """Whether this is a torchvision ResNet, of either stem, without groups and of base width 64."""
    resnet: Any = module
    return _is_resnet(module) and bool(resnet.groups == 1 and resnet.base_width == 64)


def built_like(module: nn.Module, build: Callable[[], nn.Module]) -> nn.Module:
    """Builds a network on the device of another, in evaluation mode; on the meta device without any arithmetic."""
    with torch.device(next(module.parameters()).device):
        return build().eval()


def _is_resnet(module: nn.Module) -> bool:
    from torchvision.models.resnet import ResNet

    from splitsearch.spaces.backbones.deep_stem import DeepStemResNet

    return type(module) in (ResNet, DeepStemResNet)


def _near(value: float, step: int) -> int:
    """The nearest multiple, at least one step; a tie goes up."""
    return max(step, step * math.floor(value / step + 0.5))


def _shufflenet(module: Any, factor: float) -> nn.Module:
    narrow: nn.Module = type(module)(
        [len(stage) for stage in (module.stage2, module.stage3, module.stage4)],
        [_near(width * factor, _STEP) for width in module._stage_out_channels],
        num_classes=module.fc.out_features,
        inverted_residual=type(module.stage2[0]),
    )
    return narrow


def _swin(module: Any, factor: float) -> nn.Module:
    patch, stages = module.features[0][0], list(module.features[1::2])
    first, last = stages[0][0], stages[-1][-1]
    heads = [stage[0].attn.num_heads for stage in stages]
    fewer = _near(heads[0] * factor, 1)
    narrow: nn.Module = type(module)(
        patch_size=list(patch.kernel_size),
        embed_dim=patch.out_channels // heads[0] * fewer,
        depths=[len(stage) for stage in stages],
        num_heads=[count * fewer // heads[0] for count in heads],
        window_size=list(first.attn.window_size),
        mlp_ratio=first.mlp[0].out_features / first.mlp[0].in_features,
        dropout=first.attn.dropout,
        attention_dropout=first.attn.attention_dropout,
        stochastic_depth_prob=last.stochastic_depth.p,
        num_classes=module.head.out_features,
        norm_layer=partial(nn.LayerNorm, eps=module.norm.eps),
        block=type(first),
        downsample_layer=type(module.features[2]),
    )
    return narrow


def _vit(module: Any, factor: float) -> nn.Module:
    layers = module.encoder.layers
    heads = layers[0].num_heads
    fewer = _near(heads * factor, 1)
    head = module.heads.head
    narrow: nn.Module = type(module)(
        image_size=module.image_size,
        patch_size=module.patch_size,
        num_layers=len(layers),
        num_heads=fewer,
        hidden_dim=module.hidden_dim // heads * fewer,
        mlp_dim=_near(module.mlp_dim * fewer / heads, _STEP),
        dropout=module.dropout,
        attention_dropout=module.attention_dropout,
        num_classes=head.out_features,
        representation_size=module.representation_size and _near(module.representation_size * factor, _STEP),
        norm_layer=module.norm_layer,
    )
    return narrow


def _maxvit(module: Any, factor: float) -> nn.Module:
    first, last = module.blocks[0].layers[0].layers, module.blocks[-1].layers[-1].layers
    conv, attention = first.MBconv.layers, first.window_attention
    norm = module.stem[0][1]
    out = conv.conv_c.out_channels
    head_dim = attention.head_dim
    widths = [block.layers[0].layers.MBconv.layers.conv_c.out_channels for block in module.blocks]
    narrow: nn.Module = type(module)(
        # The stem and the first block halve the image; the grid of the first block is what is left.
        input_size=tuple(4 * side for side in module.blocks[0].grid_size),
        stem_channels=_near(module.stem[0][0].out_channels * factor, _STEP),
        partition_size=module.partition_size,
        block_channels=[_near(width * factor, head_dim) for width in widths],
        block_layers=[len(block.layers) for block in module.blocks],
        head_dim=head_dim,
        stochastic_depth_prob=last.window_attention.stochastic_dropout.p,
        norm_layer=partial(nn.BatchNorm2d, eps=norm.eps, momentum=norm.momentum),
        activation_layer=type(module.stem[0][2]),
        squeeze_ratio=conv.squeeze_excitation.fc1.out_channels / out,
        expansion_ratio=conv.conv_a[0].out_channels / out,
        mlp_ratio=attention.mlp_layer[1].out_features // out,
        mlp_dropout=attention.mlp_layer[-1].p,
        attention_dropout=attention.attn_layer[-1].p,
        num_classes=module.classifier[-1].out_features,
    )
    return narrow
