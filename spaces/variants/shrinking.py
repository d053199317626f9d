"""Compound shrinking: fewer blocks, narrower blocks and smaller images, each by a factor of its own.

The triple is EdgeCompress's (Kong et al., IEEE TCAD 2023): the width factor touches only what lies inside a residual
block, so every block yields the map that it yielded before and a cut at its end keeps its shape. Blocks leave from the
middle of a stage; those that stay keep their paths and weights, so a cut by name means the same place in every size.
"""

import copy
import math
from collections import defaultdict
from dataclasses import dataclass

from torch import nn

from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.variants.blocks import find_stages, repeated_parts
from splitsearch.spaces.variants.pruning import group_paths, importances
from splitsearch.spaces.variants.resize import ChannelGroup, resize, survey

__all__ = ["shrink", "shrunk_image_size"]

# EdgeCompress lists the blocks of each stage by hand; its lists favour the early stages over plain rounding.
_BLOCKS: dict[str, dict[float, tuple[int, ...]]] = {
    "resnet50": {
        0.9: (3, 4, 5, 3),
        0.8: (3, 3, 4, 3),
        0.7: (2, 3, 4, 2),
        0.6: (2, 3, 3, 2),
        0.5: (2, 2, 2, 2),
        0.4: (1, 2, 2, 1),
        0.3: (1, 1, 2, 1),
    },
    "regnet_x_1_6gf": {
        0.9: (2, 4, 8, 2),
        0.8: (2, 3, 7, 2),
        0.7: (2, 3, 6, 2),
        0.6: (2, 2, 5, 2),
        0.5: (1, 2, 5, 1),
    },
}
_IMAGE_STEP = 4
_WIDTH_STEP = 4
_WIDTH_STEPS = {"mobilenet": 8, "mnasnet": 8, "efficientnet": 8}  # these families round their own widths to eights


def shrunk_image_size(image_size: int, resolution: float) -> int:
    """Side of the smaller image in pixels: a multiple of four, unless the resolution is 1.

    Raises:
        UserError: the resolution lies outside (0, 1].
    """
    _check("resolution", resolution)
    return image_size if resolution == 1 else max(_IMAGE_STEP, _rounded(image_size * resolution, _IMAGE_STEP))


def shrink(name: str, module: nn.Module, image_size: int, *, depth: float = 1.0, width: float = 1.0) -> nn.Module:
    """Returns a copy with fewer and narrower blocks.

    Args:
        name: of the backbone; ResNet-50 and RegNetX-1.6GF keep the blocks that EdgeCompress lists for them.
        module: a classifier of images (N, 3, S, S), on the CPU or the meta device. With weights, the inner channels
            with the greatest L1 norms stay; on the meta device, the first.
        image_size: S in pixels.
        depth: share of the blocks of each stage, rounded; the first and, of the others, the last stay.
        width: factor of the inner widths of residual blocks, rounded to a multiple of four (eight where the family uses
            eight) and of the groups of grouped convolutions. A network without such blocks narrows everywhere but in
            its logits.

    Raises:
        UserError: depth or width lies outside (0, 1].
        InfeasibleError: there are no blocks to drop, or the channels cannot be followed.
    """
    _check("depth", depth)
    _check("width", width)
    small = copy.deepcopy(module).eval()
    if depth < 1:
        _drop_blocks(name, small, image_size, depth)
    return _narrow(name, small, image_size, width) if width < 1 else small


def _check(what: str, value: float) -> None:
    if not 0 < value <= 1:
        raise UserError(f"a {what} of {value} is out of range; it must lie in (0, 1]")


def _rounded(value: float, step: int) -> int:
    """The nearest multiple; a tie goes up."""
    return step * math.floor(value / step + 0.5)


def _drop_blocks(name: str, module: nn.Module, image_size: int, depth: float) -> None:
    stages = find_stages(module, image_size)
    sizes = tuple(len(stage.blocks) for stage in stages)
    if max(sizes, default=0) < 2:
        raise InfeasibleError(
            f"{name} has no stage of repeated blocks whose input and output have one shape, so none can be dropped for "
            f"depth {depth}; depth 1.0 is possible"
        )
    for stage, kept in zip(stages, _kept(name, sizes, depth), strict=True):
        container = module.get_submodule(stage.container)
        for block in stage.blocks[1 : len(stage.blocks) - (kept - 1)]:
            delattr(container, block)  # unlike `del container[k]`, this leaves the names of the others alone


def _kept(name: str, sizes: tuple[int, ...], depth: float) -> tuple[int, ...]:
    general = tuple(max(1, round(depth * size)) for size in sizes)
    listed = _BLOCKS.get(name, {}).get(round(depth, 6), general)
    fits = len(listed) == len(sizes) and all(kept <= size for kept, size in zip(listed, sizes, strict=True))
    return listed if fits else general


def _narrow(name: str, module: nn.Module, image_size: int, factor: float) -> nn.Module:
    kept = _rounded_widths(_inner_groups(name, module, image_size), factor)

    def wanted(group: ChannelGroup) -> int:
        return kept.get(frozenset(group.layers), group.channels)

    if any(parameter.is_meta for parameter in module.parameters()):
        return resize(module, image_size, wanted)
    scores = importances(module, image_size, "l1", lambda group: wanted(group) < group.channels)
    return resize(module, image_size, wanted, score=lambda group: scores[frozenset(group.layers)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Channels that may be scaled.

    Attributes:
        layers: those that make them.
        role: the same layers as they are called inside their block; empty outside of blocks.
        channels: how many there are.
        step: what a width must be a multiple of.
    """

    layers: frozenset[str]
    role: frozenset[str]
    channels: int
    step: int


def _inner_groups(name: str, module: nn.Module, image_size: int) -> list[_Group]:
    """The groups that lie within one block, or all groups of a network where none does.

    What a block yields is read by a layer outside, so it never lies within.
    """
    paths = {path for path, _ in module.named_modules()}
    blocks = repeated_parts(module)
    step = next((step for family, step in _WIDTH_STEPS.items() if name.startswith(family)), _WIDTH_STEP)
    inner: list[_Group] = []
    outer: list[_Group] = []

    def look(group: ChannelGroup) -> None:
        touched = [path for path in group_paths(group, lambda layer: isinstance(layer, nn.Module)) if path in paths]
        home = next((block for block in blocks if all(path.startswith(f"{block}.") for path in touched)), None)
        (outer if home is None else inner).append(
            _Group(
                layers=frozenset(group.layers),
                role=frozenset() if home is None else frozenset(path.removeprefix(f"{home}.") for path in group.layers),
                channels=group.channels,
                # Eights and the groups of a RegNet would multiply to steps too coarse to scale by.
                step=step if group.blocks == 1 else math.lcm(_WIDTH_STEP, group.blocks),
            )
        )

    survey(module, image_size, look)
    return inner or outer


def _rounded_widths(groups: list[_Group], factor: float) -> dict[frozenset[str], int]:
    """Layers to channels that stay.

    Where the same place doubles from stage to stage, the narrowest is rounded and the others go on doubling, as
    torchvision's `width_per_group` has it: 0.55 makes 36, 72, 144 and 288 of ResNet-50's 64, 128, 256 and 512.
    """
    alike: defaultdict[frozenset[str], list[_Group]] = defaultdict(list)
    for group in groups:
        alike[group.role].append(group)
    kept = {}
    for same in alike.values():
        base = min(same, key=lambda group: group.channels)
        doubles = all(math.log2(group.channels / base.channels).is_integer() for group in same)
        for group in same:
            if doubles:
                kept[group.layers] = _smaller(base, factor) * (group.channels // base.channels)
            else:
                kept[group.layers] = _smaller(group, factor)
    return kept


def _smaller(group: _Group, factor: float) -> int:
    return min(group.channels, max(group.step, _rounded(group.channels * factor, group.step)))
