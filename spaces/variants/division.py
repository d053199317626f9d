"""Width division: S narrow networks in the place of one wide one, at about the same cost altogether.

SplitNet (Zhao et al., "Towards Better Accuracy-efficiency Trade-offs: Divide and Co-training", IEEE T-IP 2022): a
convolution costs inputs times outputs, so each of S networks gets 1 / sqrt(S) of the channels, or 1 / S of the groups.
Every member is a whole network with all classes; depth, kernels and image size stay. How the widths are rounded decides
whether it pays, so the published integers are kept where there are any.
"""

import copy
import math
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from splitsearch.spaces.backbones.cifar import CifarResNet, CifarResNeXt, CifarWideResNet
from splitsearch.spaces.backbones.published_widths import divided_densenet, divided_efficientnet
from splitsearch.spaces.backbones.rebuild import built_like, groups_each, is_plain_resnet, rebuild, rebuild_groups
from splitsearch.spaces.config import DIVISIONS
from splitsearch.spaces.errors import InfeasibleError, UserError, nearest
from splitsearch.spaces.variants.resize import ChannelGroup, resize

__all__ = [
    "DIVISIONS",
    "DROPOUT_RULES",
    "WEIGHT_DECAY_RULES",
    "divide",
    "divided_dropout",
    "divided_weight_decay",
    "divided_widen",
    "divided_width",
    "fresh_weights",
]

_WEIGHT_DECAY: dict[str, Callable[[int], float]] = {
    "exp": lambda nets: math.exp(1 / nets - 1),
    "linear": lambda nets: 1 / nets,
    "none": lambda nets: 1.0,
}
_DROPOUT: dict[str, Callable[[int], float]] = {
    "linear": lambda nets: 1 / nets,
    "sqrt": lambda nets: 1 / math.sqrt(nets),
    "none": lambda nets: 1.0,
}
WEIGHT_DECAY_RULES = tuple(_WEIGHT_DECAY)
DROPOUT_RULES = tuple(_DROPOUT)
# Planes of the first stage, as published for each number of networks.
_CIFAR_PLANES = {1: 16, 2: 12, 4: 8, 8: 6}
_IMAGENET_PLANES = {1: 64, 2: 44, 4: 32, 8: 24}
_STEP = 4
# What parameters start from that belong to no layer with a start of its own; others are drawn around 0.
_CONSTANTS = {
    "weight": 1.0,  # of norms; a matrix of this name is drawn
    "bias": 0.0,
    "class_token": 0.0,
    "cls_token": 0.0,
    "layer_scale": 1e-6,
    "gamma": 1e-6,
    "logit_scale": math.log(10.0),
}
_SPREAD = 0.02


def divide(name: str, module: nn.Module, image_size: int, nets: int) -> nn.Module:
    """Returns one member: a narrower network whose nodes have the names of the whole, so that cuts by name agree.

    The published rules hold for torchvision's ResNet, ResNeXt, wide ResNet, DenseNet and EfficientNet (B0 to B7) and
    for the networks of `spaces.backbones.cifar`. Any other network gets channels / sqrt(nets), rounded to the nearest
    multiple of four, or of the groups of its grouped convolutions and norms; transformers get whole heads.

    Args:
        name: of the backbone, for messages.
        module: a classifier of images (N, 3, S, S), on the CPU or the meta device.
        image_size: S in pixels.
        nets: how many members there are, one of `DIVISIONS`; 1 gives a copy.

    Returns:
        A network in evaluation mode, on the device of the given one. Its weights may be slices of those given: each
        member wants `fresh_weights` with a seed of its own, since equal members learn the same.

    Raises:
        UserError: no such division.
        InfeasibleError: this network cannot be divided so.
    """
    _check(nets)
    if nets == 1:
        return copy.deepcopy(module).eval()
    try:
        return _published(module, image_size, nets) or _general(module, image_size, nets)
    except InfeasibleError as error:
        raise InfeasibleError(f"{name} cannot be divided into {nets} networks: {error}") from error


def divided_width(channels: int, nets: int, blocks: int = 1) -> int:
    """Channels of one member by the general rule.

    Args:
        channels: of the whole.
        nets: how many members there are.
        blocks: equal parts that must stay equally wide; 1 for ordinary layers.
    """
    step = blocks if blocks > 1 else _STEP
    return min(channels, max(step, step * math.floor(channels / math.sqrt(nets) / step + 0.5)))


def divided_widen(widen: int, nets: int) -> int:
    """Widening factor of one member of a wide ResNet for CIFAR: 10 gives 7 for two and 5 for four."""
    return int(max(widen / math.sqrt(nets) + 0.4, 1.0))


def fresh_weights(module: nn.Module, seed: int) -> None:
    """Draws every parameter anew, in place: convolutions after He et al. (2015), other layers as they reset themselves.

    Works on traced networks too, where the parameters of traced parts belong to nameless modules: matrices and tables
    there are drawn with a spread of 0.02, scales and shifts start as constants. The random state of the caller stays.

    Raises:
        UserError: the network has shapes only (meta device).
    """
    if any(parameter.is_meta for parameter in module.parameters()):
        raise UserError("weights cannot be drawn on the meta device; divide the network where its values are")
    with torch.no_grad(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        for layer in module.modules():
            _reset(layer)


def divided_weight_decay(weight_decay: float, nets: int, rule: str) -> float:
    """Weight decay of each member.

    Args:
        weight_decay: of the whole.
        nets: how many members there are.
        rule: `exp`, wd * exp(1 / S - 1), Eq. 6 of SplitNet; `linear`, wd / S; `none`. Its authors call the choice trial
            and error: most of their CIFAR-100 results are without.

    Raises:
        UserError: no such rule or division.
    """
    return weight_decay * _factor("weight decay", _WEIGHT_DECAY, rule, nets)


def divided_dropout(p: float, nets: int, rule: str) -> float:
    """Dropout probability of each member.

    Args:
        p: of the whole.
        nets: how many members there are.
        rule: `linear`, p / S; `sqrt`, p / sqrt(S); `none`. SplitNet takes `linear` before the classifiers of ResNets
            and `sqrt` elsewhere.

    Raises:
        UserError: no such rule or division.
    """
    return p * _factor("dropout", _DROPOUT, rule, nets)


def _check(nets: int) -> None:
    if nets not in DIVISIONS:
        raise UserError(f"no division into {nets} networks; known: {', '.join(map(str, DIVISIONS))}")


def _factor(what: str, rules: Mapping[str, Callable[[int], float]], rule: str, nets: int) -> float:
    _check(nets)
    if rule not in rules:
        raise UserError(f"unknown {what} rule '{rule}'{nearest(rule, rules)}")
    return rules[rule](nets)


def _published(module: nn.Module, image_size: int, nets: int) -> nn.Module | None:
    if is_plain_resnet(module):
        planes = _IMAGENET_PLANES[nets]
        return resize(module, image_size, lambda group: max(1, round(group.channels * planes / _IMAGENET_PLANES[1])))
    return (
        _cifar(module, nets)
        or rebuild_groups(module, nets)
        or divided_densenet(module, nets)
        or divided_efficientnet(module, nets)
    )


def _general(module: nn.Module, image_size: int, nets: int) -> nn.Module:
    def wanted(group: ChannelGroup) -> int:
        return divided_width(group.channels, nets, group.blocks)

    return rebuild(module, 1 / math.sqrt(nets)) or resize(module, image_size, wanted)


def _cifar(module: nn.Module, nets: int) -> nn.Module | None:
    if isinstance(module, CifarResNet):
        base = max(1, round(module.base * _CIFAR_PLANES[nets] / _CIFAR_PLANES[1]))
        depth, bottleneck, classes = module.depth, module.bottleneck, module.fc.out_features
        return built_like(module, lambda: CifarResNet(depth, bottleneck=bottleneck, base=base, classes=classes))
    if isinstance(module, CifarWideResNet):
        depth, widen, classes = module.depth, divided_widen(module.widen, nets), module.fc.out_features
        return built_like(module, lambda: CifarWideResNet(depth, widen, classes=classes))
    if isinstance(module, CifarResNeXt):
        groups, width = groups_each(module.groups, nets), module.width_per_group
        depth, classes = module.depth, module.fc.out_features
        return built_like(module, lambda: CifarResNeXt(groups, width, depth=depth, classes=classes))
    return None


def _reset(layer: nn.Module) -> None:
    reset = getattr(layer, "reset_parameters", None) or getattr(layer, "_reset_parameters", None)
    if isinstance(layer, _ConvNd):
        # The fan of the inputs, because it is right for grouped and depthwise convolutions too.
        nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif reset is not None:
        reset()
    else:
        for name, parameter in layer.named_parameters(recurse=False):
            _reset_bare(name, parameter)


def _reset_bare(name: str, parameter: nn.Parameter) -> None:
    is_matrix = name == "weight" and parameter.dim() > 1
    if name in _CONSTANTS and not is_matrix:
        nn.init.constant_(parameter, _CONSTANTS[name])
    else:
        nn.init.trunc_normal_(parameter, std=_SPREAD)
