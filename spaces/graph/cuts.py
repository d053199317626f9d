"""Cuts: the places where exactly one tensor crosses from the device to the server.

A node is a legal cut when it dominates the logits: then all data pass through it. The graph is parted by copying the
ancestors of the cut into the head and the rest into the tail. The logits are the last cut: what follows them is empty.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from torch import fx

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.flow import ancestors, dominators
from splitsearch.spaces.graph.fold import shape_arithmetic
from splitsearch.spaces.graph.layout import is_supported, map_shape, positions
from splitsearch.spaces.graph.memo import once_per_graph
from splitsearch.spaces.graph.trace import Shape, TracedGraph

__all__ = ["CUT_SETS", "Cut", "CutSet", "find_cut", "find_cuts", "head_nodes", "part_at", "split_at"]

CutSet = Literal["stages", "blocks", "all"]
CUT_SETS: tuple[CutSet, ...] = get_args(CutSet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A legal cut.

    Attributes:
        index: position among all legal cuts, from the input.
        name: readable path of the node whose output crosses.
        node: name of that node in the traced graph.
        shape: the crossing tensor, without the batch dimension.
        input_ratio: its elements over those of the input image.
    """

    index: int
    name: str
    node: str
    shape: Shape
    input_ratio: float

    @property
    def elements(self) -> int:
        """Numbers that cross for one image."""
        return math.prod(self.shape)


@once_per_graph
def find_cuts(graph: TracedGraph, which: CutSet = "blocks") -> tuple[Cut, ...]:
    """Finds the legal cuts, from the input to the output.

    Args:
        graph: the traced backbone.
        which: `all` nodes, the logits among them; `blocks` keeps the last of a chain that keeps its shape (conv, norm,
            activation); `stages` the last block of each map size that leaves the tail more than the classifier, and
            never the logits: the default axis.

    Raises:
        UserError: there is no such set.
    """
    if which not in CUT_SETS:
        raise UserError(f"unknown set of cuts '{which}'{nearest(which, CUT_SETS)}")
    nodes = dominators(graph)
    pixels = 3 * graph.image_size**2
    cuts = [
        Cut(
            index=index,
            name=graph.paths[node.name],
            node=node.name,
            shape=graph.shapes[node.name],
            input_ratio=math.prod(graph.shapes[node.name]) / pixels,
        )
        for index, node in enumerate(nodes)
    ]
    if which == "all":
        return tuple(cuts)
    if which == "blocks":
        return tuple(_blocks(cuts, nodes))
    return tuple(_stages(_blocks(cuts[:-1], nodes[:-1]), graph))


def find_cut(graph: TracedGraph, name: str) -> Cut:
    """Finds one cut by its path, or by a module's path, which means the last cut inside that module.

    Raises:
        UserError: no such cut; the message names the nearest.
    """
    cuts = _by_name(graph)
    if name in cuts:
        return cuts[name]
    inside = [cut for path, cut in cuts.items() if path.startswith(f"{name}.")]
    if inside:
        return inside[-1]
    raise UserError(f"the backbone has no cut '{name}'{nearest(name, list(cuts))}")


@once_per_graph
def _by_name(graph: TracedGraph) -> dict[str, Cut]:
    return {cut.name: cut for cut in find_cuts(graph, "all")}


@once_per_graph  # every candidate at one cut shares one head and one tail
def split_at(graph: TracedGraph, cut: Cut) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Parts the backbone once: every call with the same graph and cut returns the same two modules."""
    return part_at(graph, cut)


def part_at(graph: TracedGraph, cut: Cut) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Parts the backbone: tail(head(x)) computes what the whole computes, on the same parameters.

    Returns:
        The head, images to the crossing tensor, and the tail, that tensor to the logits.
    """
    node = _node(graph, cut)
    head, tail = _head(graph, node), _tail(graph, node)
    return fx.GraphModule(graph.module, head, "Head"), fx.GraphModule(graph.module, tail, "Tail")


def head_nodes(graph: TracedGraph, cut: Cut) -> frozenset[str]:
    """Names of the nodes that the head of a cut runs."""
    return frozenset(node.name for node in ancestors(_node(graph, cut)))


def _node(graph: TracedGraph, cut: Cut) -> fx.Node:
    return next(node for node in graph if node.name == cut.node)


def _blocks(cuts: list[Cut], nodes: list[fx.Node]) -> list[Cut]:
    def continues(k: int) -> bool:
        following = nodes[k + 1] if k + 1 < len(nodes) else None
        return following is not None and list(nodes[k].users) == [following] and cuts[k].shape == cuts[k + 1].shape

    return [cut for k, cut in enumerate(cuts) if not continues(k)]


def _stages(blocks: list[Cut], graph: TracedGraph) -> list[Cut]:
    """The last block of each run of equal map sizes: where a network is about to shrink its map.

    A map size that comes back was never left: attention may fold a map into a grid and unfold it again. A cut that
    leaves the server nothing but the classifier is no split: the device could as well finish the work.
    """
    usable = [cut for cut in blocks if is_supported(cut.shape)]
    sizes = _map_sizes(usable)
    maps = [size if len(cut.shape) == 3 else None for cut, size in zip(usable, sizes, strict=True)]

    def ends(k: int) -> bool:
        comes_back = set(maps[: k + 1]) & set(maps[k + 1 :]) - {None}
        return sizes[k + 1 : k + 2] != [sizes[k]] and not comes_back

    found = [cut for k, cut in enumerate(usable) if ends(k)]
    return [cut for cut in found if _weighted_layers_after(cut, graph) > 1] or found


def _map_sizes(cuts: list[Cut]) -> list[int]:
    """Elements per channel; windows of a map, 4 of 49 pixels with 256 channels say, count as the map they hold."""
    sizes: list[int] = []
    for k, cut in enumerate(cuts):
        _, height, width = map_shape(cut.shape)
        is_windows = k > 0 and len(cut.shape) == 3 and height != width and cut.elements == cuts[k - 1].elements
        sizes.append(sizes[-1] if is_windows else positions(cut.shape))
    return sizes


def _weighted_layers_after(cut: Cut, graph: TracedGraph) -> int:
    nodes = list(graph)
    place = next(k for k, node in enumerate(nodes) if node.name == cut.node)
    modules = dict(graph.module.named_modules())
    later = [modules[str(node.target)] for node in nodes[place + 1 :] if node.op == "call_module"]
    return sum(any(weight.dim() > 1 for weight in module.parameters()) for module in later)


def _copy(target: fx.Graph, nodes: Iterable[fx.Node], known: dict[fx.Node, Any]) -> None:
    for node in nodes:
        if node not in known:
            known[node] = target.node_copy(node, lambda n: known[n])


def _head(graph: TracedGraph, cut: fx.Node) -> fx.Graph:
    needed = ancestors(cut)
    head, known = fx.Graph(), cast("dict[fx.Node, Any]", {})
    _copy(head, (n for n in graph if n in needed), known)
    head.output(known[cut])
    head.lint()
    return head


def _tail(graph: TracedGraph, cut: fx.Node) -> fx.Graph:
    tail, known = fx.Graph(), cast("dict[fx.Node, Any]", {})
    entry = tail.placeholder("payload")
    known[cut] = entry
    known[graph.input] = entry  # only the batch size is read from it, and both tensors carry it first
    needed = _needed_by_tail(graph, cut)
    _copy(tail, (n for n in graph if n in needed), known)
    tail.output(known[graph.output])
    tail.lint()
    return tail


def _needed_by_tail(graph: TracedGraph, cut: fx.Node) -> set[fx.Node]:
    arithmetic = shape_arithmetic(graph.module.graph)
    needed: set[fx.Node] = set()
    waiting = [graph.output]
    while waiting:
        node = waiting.pop()
        if node in needed or node is cut or node is graph.input:
            continue
        needed.add(node)
        waiting.extend(node.all_input_nodes)
        if graph.input in node.all_input_nodes and node not in arithmetic:
            raise AssertionError(f"{cut} is no cut: {node} reads the input")
    return needed
