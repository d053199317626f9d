"""Structured pruning of one side of the cut: the least important channels are really gone, and what crosses stays.

A group of channels leaves only through layers of that side. Whatever reaches over the cut, such as a residual stream,
keeps its width, so the bottleneck and the other side fit as before. Which channels count most is torch-pruning's to
say: norms of the weights (Li et al., ICLR 2017), scales of the batch norms (Liu et al., ICCV 2017), or the first-order
change of the loss (Molchanov et al., CVPR 2019).
"""

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
from torch import fx, nn

from splitsearch.spaces.errors import InfeasibleError, UserError, nearest
from splitsearch.spaces.variants.resize import ChannelGroup, resize, survey

__all__ = ["IMPORTANCES", "group_paths", "importances", "layers_in", "prune"]

IMPORTANCES = ("l1", "l2", "bn", "taylor")
_ROUNDING = 1e-9  # 0.29 * 100 is 28.999999999999996, and 29 channels were meant
_READ_BY_TAYLOR = (nn.Conv2d, nn.Linear, nn.LayerNorm)

Scores = dict[frozenset[str], torch.Tensor]


def prune(  # noqa: PLR0913  # what is pruned, by how much, by which measure, and where
    module: nn.Module,
    image_size: int,
    *,
    ratio: float | None = None,
    threshold: float | None = None,
    importance: str,
    layers: Collection[str],
    multiple: int = 1,
) -> nn.Module:
    """Returns a narrower copy.

    Args:
        module: a classifier of images (N, 3, S, S), on the CPU or the meta device. For `taylor`, run the loss backward
            first: the gradients are read from its parameters. On the meta device the first channels stay.
        image_size: S in pixels.
        ratio: share of every group that leaves, rounded down to whole channels per block; 0 changes nothing.
        threshold: channels leave whose importance, over the mean of their group, lies below it.
        importance: one of `IMPORTANCES`.
        layers: paths of the convolutions and linear layers that may change, see `layers_in`. A group that any other
            layer makes or reads stays as it is, and so do the logits.
        multiple: what stays of a block of channels is rounded up to a multiple of so many, or to all of them.

    Raises:
        UserError: not exactly one of ratio and threshold, a value out of range, an unknown importance, missing
            gradients, or a threshold where the weights have no values.
        InfeasibleError: a group would be left empty or has no batch norm to judge it by, or the network cannot be
            followed.
    """
    _check(ratio, threshold, importance)
    on_meta = any(parameter.is_meta for parameter in module.parameters())
    if on_meta and threshold is not None:
        raise UserError(
            "a pruning threshold is compared with the values of the weights, and a network on the meta device has none;"
            " give a ratio, or weights"
        )
    allowed = frozenset(layers)

    def chosen(group: ChannelGroup) -> bool:
        touched = threshold is not None or _leaving(ratio, group, multiple) > 0
        return touched and _all_inside(group, allowed)

    def fewer(group: ChannelGroup) -> int:
        if not chosen(group):
            return group.channels
        if importance == "bn":
            _check_norm(group)
        if threshold is None:
            return group.channels - group.blocks * _leaving(ratio, group, multiple)
        return _above(threshold, scores[frozenset(group.layers)], group, multiple)

    if on_meta:
        return resize(module, image_size, fewer)
    scores = importances(module, image_size, importance, chosen)
    return resize(module, image_size, fewer, score=lambda group: scores[frozenset(group.layers)])


def importances(module: nn.Module, image_size: int, importance: str, chosen: Callable[[ChannelGroup], bool]) -> Scores:
    """How much every channel counts, over the mean of its group.

    They are all taken from the untouched network: once a first group is narrower, the places of the others shift.

    Args:
        module: on the CPU, with its weights.
        image_size: side of its input in pixels.
        importance: one of `IMPORTANCES`.
        chosen: the groups that are asked for.

    Returns:
        The layers of a group to the importances of its channels, (channels,).

    Raises:
        UserError: `taylor` without gradients.
        InfeasibleError: `bn` and a group without a batch norm, or the network cannot be followed.
    """
    found: Scores = {}

    def look(group: ChannelGroup) -> None:
        if chosen(group):
            found[frozenset(group.layers)] = _importance(module, importance, group)

    survey(module, image_size, look)
    return found


def layers_in(graph: fx.GraphModule, nodes: Iterable[fx.Node] | None = None) -> frozenset[str]:
    """Paths of the convolutions and linear layers that a part of a traced network uses, such as the head of a cut.

    Args:
        graph: a traced network, or a part of one.
        nodes: those of its nodes that are asked about; None for all.
    """
    found = set()
    for node in graph.graph.nodes if nodes is None else nodes:
        path = str(node.target)
        if node.op == "call_module":
            inner = graph.get_submodule(path).named_modules(prefix=path)
            found |= {path for path, layer in inner if isinstance(layer, nn.Conv2d | nn.Linear)}
        elif node.op == "get_attr":  # windowed attention hands the weights of its linear layers to a function
            owner, _, attribute = path.rpartition(".")
            if attribute == "weight" and graph.get_parameter(path).dim() > 1:
                found.add(owner)
    return frozenset(found)


def group_paths(group: ChannelGroup, kind: Callable[[Any], bool]) -> list[str]:
    """Paths of the modules of a kind that make, norm or read the channels of a group."""
    return [path for path, layer in _members(group) if kind(layer)]


def _members(group: ChannelGroup) -> list[tuple[str, Any]]:
    """The path before the brackets is a name; in them torch-pruning writes the module out."""
    return [(dep.target.name.partition(" (")[0], dep.target.module) for dep, _ in group.handle]


def _check(ratio: float | None, threshold: float | None, importance: str) -> None:
    if importance not in IMPORTANCES:
        raise UserError(f"unknown importance '{importance}'{nearest(importance, IMPORTANCES)}")
    if (ratio is None) == (threshold is None):
        raise UserError(f"pruning takes either a ratio or a threshold, not ratio {ratio} and threshold {threshold}")
    if ratio is not None and not 0 <= ratio < 1:
        raise UserError(f"a pruning ratio of {ratio} is out of range; it must lie in [0, 1)")
    if threshold is not None and not 0 <= threshold < math.inf:
        raise UserError(f"a pruning threshold of {threshold} is out of range; it must be 0 or more")


def _all_inside(group: ChannelGroup, allowed: frozenset[str]) -> bool:
    """Whether no layer outside makes or reads these channels; attention counts as inside when its parts are."""
    return all(
        path in allowed or any(layer.startswith(f"{path}.") for layer in allowed)
        for path in group_paths(group, _has_weights)
    )


def _has_weights(layer: Any) -> bool:
    return isinstance(layer, nn.Module) and any(parameter.dim() > 1 for parameter in layer.parameters())


def _leaving(ratio: float | None, group: ChannelGroup, multiple: int) -> int:
    """Channels that leave every block of a group."""
    width = group.channels // group.blocks
    if ratio is None or width == 1:  # what has one channel has none to spare
        return 0
    if (1 - ratio) * width < 1 - _ROUNDING:
        raise InfeasibleError(
            f"a pruning ratio of {ratio:g} would leave {group.layers[0]} empty: it has {width} channels"
            f"{' in each of its groups' if group.blocks > 1 else ''}, and at least one must stay"
        )
    return width - _rounded(width - math.floor(ratio * width + _ROUNDING), width, multiple)


def _rounded(staying: int, width: int, multiple: int) -> int:
    """Up to a multiple, but never more than there are."""
    return min(width, -(-staying // multiple) * multiple)


def _above(threshold: float, score: torch.Tensor, group: ChannelGroup, multiple: int) -> int:
    """Channels of a group that stay: as many places in every block as are worth the threshold on average."""
    staying = int((score.reshape(group.blocks, -1).mean(0) >= threshold).sum())
    if staying == 0:
        raise InfeasibleError(
            f"a threshold of {threshold} would leave {group.layers[0]} without channels: its most important one has "
            f"{float(score.max()):.3g} times the mean"
        )
    return _rounded(staying, group.channels // group.blocks, multiple) * group.blocks


def _importance(module: nn.Module, importance: str, group: ChannelGroup) -> torch.Tensor:
    import torch_pruning

    if importance == "bn":
        _check_norm(group)
    if importance == "taylor":
        _lend_gradients(module, group)
    scorer = {
        "l1": torch_pruning.importance.MagnitudeImportance(p=1, normalizer=None),
        "l2": torch_pruning.importance.MagnitudeImportance(p=2, normalizer=None),
        "bn": torch_pruning.importance.BNScaleImportance(normalizer=None),
        "taylor": torch_pruning.importance.GroupTaylorImportance(normalizer=None),
    }[importance]
    values: torch.Tensor = scorer(group.handle).detach().float()
    mean = values.mean()
    return values / mean if mean > 0 else torch.ones_like(values)


def _check_norm(group: ChannelGroup) -> None:
    if not group_paths(group, _is_scaling_norm):
        raise InfeasibleError(f"no batch norm with scales follows {group.layers[0]}; choose another importance than bn")


def _is_scaling_norm(layer: Any) -> bool:
    return isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine


def _lend_gradients(module: nn.Module, group: ChannelGroup) -> None:
    """Copying a network loses its gradients, and a group belongs to the copy."""
    for path, layer in _members(group):
        if isinstance(layer, _READ_BY_TAYLOR) and layer.weight is not None:
            gradient = module.get_parameter(f"{path}.weight").grad
            if gradient is None:
                raise UserError(
                    f"importance taylor needs gradients and {path} has none; run the loss backward first, or choose l1"
                )
            layer.weight.grad = gradient
