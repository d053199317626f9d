"""Makes the layers of a network narrower, for real: channels are removed, never masked.

torch-pruning's dependency graph (Fang et al., CVPR 2023) says which channels of which layers go together: a residual
sum ties the layers that it adds, a norm follows its convolution, a concatenation shifts its inputs. This module only
decides how many channels stay and which. It works on the meta device too, where shapes cost nothing.
"""

import copy
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.shapes import shapes_only

__all__ = ["ChannelGroup", "Score", "channel_groups", "resize", "survey"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelGroup:
    """Layers whose output channels can only be removed together.

    Attributes:
        layers: paths of the convolutions and linear layers that make these channels.
        channels: how many there are.
        blocks: equal parts that must stay equally wide (grouped convolutions, group norms); 1 for ordinary layers.
        handle: the group as torch-pruning knows it; importances are computed from it.
    """

    layers: tuple[str, ...]
    channels: int
    blocks: int
    handle: Any


Score = Callable[[ChannelGroup], torch.Tensor]
"""Importance of each channel of a group, (channels,): the least important leave first."""


def resize(
    module: nn.Module,
    image_size: int,
    wanted: Callable[[ChannelGroup], int],
    *,
    score: Score | None = None,
    fixed: Collection[str] = (),
) -> nn.Module:
    """Returns a narrower copy.

    Args:
        module: a classifier of images (N, 3, S, S), on the CPU or the meta device.
        image_size: S in pixels.
        wanted: how many channels of a group stay; more than there are means all.
        score: which channels stay; None keeps the first.
        fixed: paths of layers whose outputs keep their width; the layer that makes the logits always does.

    Raises:
        InfeasibleError: the dependencies of this network cannot be followed, or a group would be left empty.
    """
    narrow = copy.deepcopy(module).eval()
    with _learning(narrow):
        with _following(narrow):
            graph = _dependencies(narrow, image_size)
            groups = list(channel_groups(narrow, graph, fixed))
        for group in groups:
            keep = _per_block(wanted(group), group)
            leaving = _leaving(group, keep, score)
            if leaving:
                with _following(narrow):
                    root = group.handle[0].dep.target.module
                    graph.get_pruning_group(root, graph.get_pruner_of_module(root).prune_out_channels, leaving).prune()
    _still_runs(narrow, image_size)
    return narrow


def survey(module: nn.Module, image_size: int, visit: Callable[[ChannelGroup], None]) -> None:
    """Shows the groups of a network to a visitor, from the input to the output; nothing is changed.

    Raises:
        InfeasibleError: the dependencies of this network cannot be followed.
    """
    with _learning(module.eval()):
        with _following(module):
            groups = list(channel_groups(module, _dependencies(module, image_size)))
        for group in groups:
            visit(group)


@contextmanager
def _learning(module: nn.Module) -> Iterator[None]:
    """Inside, all weights want gradients, since dependencies are read off the tape of autograd."""
    frozen = {path for path, parameter in module.named_parameters() if not parameter.requires_grad}
    module.requires_grad_(True)
    try:
        yield
    finally:
        for path, parameter in module.named_parameters():
            parameter.requires_grad_(path not in frozen)


@contextmanager
def _following(module: nn.Module) -> Iterator[None]:
    """Whatever torch-pruning does with a network that it cannot follow becomes one error; its warnings are about us."""
    try:
        # Dependencies are read off the tape of autograd, whatever the caller has switched off.
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            yield
    except (Exception, SystemExit) as error:  # it raises whatever the network's Python does, and exits on some
        raise InfeasibleError(
            f"the channels of {type(module).__name__} cannot be followed: {type(error).__name__}: {error}"
        ) from error


def _example(module: nn.Module, image_size: int) -> torch.Tensor:
    device = next(iter(module.parameters())).device
    return torch.zeros(1, 3, image_size, image_size, device=device)


def _dependencies(module: nn.Module, image_size: int) -> Any:
    import torch_pruning

    with shapes_only():
        graph = torch_pruning.DependencyGraph().build_dependency(
            module, example_inputs=_example(module, image_size), verbose=False
        )
    # No tensor has more channels than the widest weight has numbers along one side: twice that is beyond doubt.
    limit = 2 * max(max(weight.shape, default=1) for weight in module.parameters())
    for node in graph.module2node.values():
        for dependency in node.dependencies:
            dependency.index_mapping = _BoundedMappings(dependency.index_mapping, limit)
    graph.module2node = _Nodes(graph.module2node)
    return graph


class _Nodes(dict[Any, Any]):
    """torch-pruning's nodes by layer, whose translations of channel numbers are not worked out anew while they hold.

    For every group it goes through the items of this table and works out the translations of each concatenation, which
    is cubic in a network of concatenations. They change only when channels are removed.
    """

    settled = False

    def items(self) -> Any:
        """Nothing while settled."""
        return () if self.settled else super().items()


@contextmanager
def _settled(graph: Any) -> Iterator[None]:
    """Inside, no channels are removed."""
    graph.module2node.settled = True
    try:
        yield
    finally:
        graph.module2node.settled = False


class _BoundedMappings(list[Any]):
    """How channel numbers translate from layer to layer, watched for translations that have gone astray.

    torch-pruning takes some reshapes of windowed attention for a flattening; round a residual connection the channels
    then multiply without end, until the system kills the process for the memory that it takes.
    """

    def __init__(self, mappings: list[Any], limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.extend([self._bounded(mapping) for mapping in mappings])

    def __setitem__(self, place: Any, mapping: Any) -> None:
        super().__setitem__(place, self._bounded(mapping))

    def _bounded(self, mapping: Any) -> Any:
        if mapping is None:
            return None

        def translate(channels: Any) -> Any:
            translated = mapping(channels)
            if any(not 0 <= channel.idx < self.limit for channel in translated) or len(translated) > self.limit:
                raise OverflowError(f"a reshape yields more than {self.limit} channels")
            return translated

        return translate


def channel_groups(module: nn.Module, graph: Any, fixed: Collection[str] = ()) -> Iterator[ChannelGroup]:
    """The groups of channels that may be removed, from the input to the output.

    Args:
        module: the network.
        graph: its torch-pruning dependency graph.
        fixed: paths of layers that no group may contain.
    """
    names = {layer: path for path, layer in module.named_modules()}
    weighted = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    untouched = [weighted[-1]]
    with _settled(graph):
        handles = list(graph.get_all_groups(ignored_layers=untouched, root_module_types=[nn.Conv2d, nn.Linear]))
    for handle in handles:
        makers = [
            dep.target.module
            for dep, _ in handle
            if isinstance(dep.target.module, nn.Conv2d | nn.Linear) and graph.is_out_channel_pruning_fn(dep.handler)
        ]
        layers = tuple(dict.fromkeys(names[maker] for maker in makers))
        if not set(layers) & set(fixed):
            channels = graph.get_out_channels(handle[0].dep.target.module)
            yield ChannelGroup(layers=layers, channels=channels, blocks=_blocks(handle), handle=handle)


def _blocks(handle: Any) -> int:
    found = 1
    for dep, _ in handle:
        layer = dep.target.module
        if isinstance(layer, nn.Conv2d) and layer.groups not in (1, layer.out_channels):
            found = max(found, layer.groups)
        if isinstance(layer, nn.GroupNorm):
            found = max(found, layer.num_groups)
    return found


def _per_block(wanted: int, group: ChannelGroup) -> int:
    keep = wanted // group.blocks
    if keep < 1:
        raise InfeasibleError(
            f"{wanted} of {group.channels} channels of {group.layers[0]} would leave one of its {group.blocks} "
            f"{'groups' if group.blocks > 1 else 'layers'} empty"
        )
    return keep


def _leaving(group: ChannelGroup, keep: int, score: Score | None) -> list[int]:
    """Indices of the channels that go: the same places in every block."""
    width = group.channels // group.blocks
    if keep >= width:
        return []
    if score is None:
        places = list(range(keep, width))
    else:
        # Stable, so that equal importances leave in the same order everywhere.
        order = torch.argsort(score(group).reshape(group.blocks, width).mean(0), stable=True)
        places = sorted(order[: width - keep].tolist())
    return [block * width + place for block in range(group.blocks) for place in places]


def _still_runs(module: nn.Module, image_size: int) -> None:
    try:
        with torch.no_grad(), shapes_only():
            module(_example(module, image_size))
    except Exception as error:  # a reshape, an index, an assertion of the network's own: it no longer fits all the same
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InfeasibleError(f"{type(module).__name__} does not fit together after narrowing: {reason}") from error
