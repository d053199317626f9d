"""Cuts: the places where exactly one tensor crosses from the device to the server.

A node is a legal cut when every path of data from the input to the output runs through it, that is, when it dominates
the output (Lengauer and Tarjan, 1979). The graph is then parted by copying the ancestors of the cut into the head and
the rest into the tail.
"""

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast, get_args

import networkx as nx
from torch import fx

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.layout import is_supported, positions
from splitsearch.spaces.graph.trace import Shape, TracedGraph

__all__ = ["CUT_SETS", "Cut", "CutSet", "find_cut", "find_cuts", "split_at"]

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


@lru_cache(maxsize=16)
def find_cuts(graph: TracedGraph, which: CutSet = "blocks") -> tuple[Cut, ...]:
    """Finds the legal cuts, from the input to the output.

    Args:
        graph: the traced backbone.
        which: `all` nodes; `blocks` keeps the last of a chain that keeps its shape (conv, norm, activation); `stages`
            the last block of each map size that leaves the tail more than the classifier: the default axis.
    """
    if which not in CUT_SETS:
        raise UserError(f"unknown set of cuts '{which}'{nearest(which, CUT_SETS)}")
    nodes = _dominators(graph)
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
    blocks = _blocks(cuts, nodes)
    return tuple(blocks if which == "blocks" else _stages(blocks, graph))


def find_cut(graph: TracedGraph, name: str) -> Cut:
    """Finds one cut by its path, or by a module's path, which means the last cut inside that module.

    Raises:
        UserError: no such cut; the message names the nearest.
    """
    cuts = find_cuts(graph, "all")
    for cut in cuts:
        if cut.name == name:
            return cut
    inside = [cut for cut in cuts if cut.name.startswith(f"{name}.")]
    if inside:
        return inside[-1]
    raise UserError(f"the backbone has no cut '{name}'{nearest(name, [cut.name for cut in cuts])}")


@lru_cache(maxsize=256)  # every candidate at one cut shares one head and one tail
def split_at(graph: TracedGraph, cut: Cut) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Parts the backbone: tail(head(x)) computes what the whole computes, on the same parameters.

    Returns:
        The head, images to the crossing tensor, and the tail, that tensor to the logits.
    """
    node = next(n for n in graph if n.name == cut.node)
    return _head(graph, node), _tail(graph, node)


def _dominators(graph: TracedGraph) -> list[fx.Node]:
    """Nodes with one float tensor that dominate the output, input and output left out, in order."""
    flow = _data_flow(graph)
    parents = nx.immediate_dominators(flow, graph.input)
    chain, node = [], parents[graph.output]
    while node is not graph.input:
        chain.append(node)
        node = parents[node]
    return [node for node in reversed(chain) if node.name in graph.shapes]


def _data_flow(graph: TracedGraph) -> "nx.DiGraph[fx.Node]":
    """Edges along which values made from the input's pixels run; folded shape arithmetic is no data."""
    flow: nx.DiGraph[fx.Node] = nx.DiGraph()
    flow.add_node(graph.input)
    for node in graph:
        if node.op == "output" or _is_shape_arithmetic(node):
            continue
        flow.add_edges_from((source, node) for source in node.all_input_nodes if source in flow)
    return flow


def _is_shape_arithmetic(node: fx.Node) -> bool:
    """The batch size and what is computed from it alone: `x.shape`, `x.shape[0]`, `x.shape[0] * 49`."""
    if node.op == "call_function" and node.target is getattr and node.args[1] == "shape":
        return True
    arithmetic = (operator.getitem, operator.mul, operator.floordiv, operator.add, operator.sub)
    return (
        node.op == "call_function"
        and node.target in arithmetic
        and bool(node.all_input_nodes)
        and all(_is_shape_arithmetic(source) for source in node.all_input_nodes)
    )


def _blocks(cuts: list[Cut], nodes: list[fx.Node]) -> list[Cut]:
    def continues(k: int) -> bool:
        following = nodes[k + 1] if k + 1 < len(nodes) else None
        return following is not None and list(nodes[k].users) == [following] and cuts[k].shape == cuts[k + 1].shape

    return [cut for k, cut in enumerate(cuts) if not continues(k)]


def _stages(blocks: list[Cut], graph: TracedGraph) -> list[Cut]:
    """The last block of each run of equal map sizes: where a network is about to shrink its map.

    A cut that leaves the server nothing but the classifier is no split: the device could as well finish the work.
    """
    usable = [cut for cut in blocks if is_supported(cut.shape)]
    ends = [
        cut
        for k, cut in enumerate(usable)
        if k + 1 == len(usable) or positions(cut.shape) != positions(usable[k + 1].shape)
    ]
    return [cut for cut in ends if _weighted_layers_after(cut, graph) > 1] or ends


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


def _ancestors(node: fx.Node) -> set[fx.Node]:
    found: set[fx.Node] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(current.all_input_nodes)
    return found


def _head(graph: TracedGraph, cut: fx.Node) -> fx.GraphModule:
    needed = _ancestors(cut)
    head, known = fx.Graph(), cast("dict[fx.Node, Any]", {})
    _copy(head, (n for n in graph if n in needed), known)
    head.output(known[cut])
    head.lint()
    return fx.GraphModule(graph.module, head, "Head")


def _tail(graph: TracedGraph, cut: fx.Node) -> fx.GraphModule:
    tail, known = fx.Graph(), cast("dict[fx.Node, Any]", {})
    entry = tail.placeholder("payload")
    known[cut] = entry
    known[graph.input] = entry  # only the batch size is read from it, and both tensors carry it first
    _copy(tail, (n for n in graph if n in _needed_by_tail(graph, cut)), known)
    tail.output(known[graph.output])
    tail.lint()
    return fx.GraphModule(graph.module, tail, "Tail")


def _needed_by_tail(graph: TracedGraph, cut: fx.Node) -> set[fx.Node]:
    needed: set[fx.Node] = set()
    waiting = [graph.output]
    while waiting:
        node = waiting.pop()
        if node in needed or node is cut or node is graph.input:
            continue
        needed.add(node)
        waiting.extend(node.all_input_nodes)
        reads_pixels = graph.input in node.all_input_nodes and not _is_shape_arithmetic(node)
        if reads_pixels:
            raise AssertionError(f"{cut} is no cut: {node} reads the input")
    return needed
