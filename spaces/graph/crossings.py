"""Crossings: the places where several tensors would have to travel together, which a search for single cuts leaves out.

Inside a dense block every earlier feature map is still wanted by a later layer; beside a residual block its shortcut
is. The device could stop there too, at the price of sending them all. Nodes are taken in the order in which they run;
after each of them, what was made and is still wanted crosses. Views, lists of tensors and shape arithmetic cost nothing
and are no places of their own: of several views of one tensor the cheaper is counted, the tensor or the views.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import fx, nn

from splitsearch.spaces.graph.flow import data_flow
from splitsearch.spaces.graph.memo import once_per_graph
from splitsearch.spaces.graph.trace import Shape, TracedGraph

__all__ = ["Crossing", "find_crossings"]

_VIEW_MODULES = (nn.Identity, nn.Dropout, nn.Flatten, nn.Unflatten)
# fmt: off
_VIEWS = frozenset({
    "chunk", "contiguous", "detach", "dropout", "expand", "expand_as", "flatten", "getattr", "getitem", "movedim",
    "narrow", "permute", "reshape", "select", "split", "squeeze", "stochastic_depth", "swapaxes", "swapdims", "t",
    "tensor_split", "transpose", "unbind", "unflatten", "unsqueeze", "view", "view_as",
})
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A place where more than one tensor crosses.

    Attributes:
        name: readable path of the last node that the device runs.
        nodes: names of the nodes in the traced graph whose outputs cross.
        shapes: of these tensors, without the batch dimension.
        elements: numbers that cross for one image, over all tensors.
        input_ratio: `elements` over those of the input image.
    """

    name: str
    nodes: tuple[str, ...]
    shapes: tuple[Shape, ...]
    elements: int
    input_ratio: float


@dataclass(slots=True)
class _Value:
    """A computed value with its views, as far as other computations take them.

    Attributes:
        node: computes it.
        taken: each view that is computed with, or the node itself, with the place of the last user.
    """

    node: fx.Node
    taken: dict[fx.Node, int] = field(default_factory=dict)


@once_per_graph
def find_crossings(graph: TracedGraph, max_tensors: int | None = None) -> tuple[Crossing, ...]:
    """Finds where several tensors cross together, from the input to the output.

    A run of places with the same shapes (a norm and its activation, beside one shortcut) is listed once, at its end.

    Args:
        graph: the traced backbone.
        max_tensors: leaves out places where more tensors cross; None leaves out none.
    """
    found: list[Crossing] = []
    continues = False
    for last, crossing in _live_sets(graph):
        if len(crossing) < 2:
            continues = False
            continue
        place = _crossing(graph, last, crossing)
        if continues and _same_run(found[-1], place):
            found.pop()
        found.append(place)
        continues = True
    return tuple(place for place in found if max_tensors is None or len(place.nodes) <= max_tensors)


def _crossing(graph: TracedGraph, last: fx.Node, crossing: list[fx.Node]) -> Crossing:
    shapes = tuple(graph.shares[node.name] for node in crossing)
    elements = sum(map(math.prod, shapes))
    return Crossing(
        name=graph.paths[last.name],
        nodes=tuple(node.name for node in crossing),
        shapes=shapes,
        elements=elements,
        input_ratio=elements / (3 * graph.image_size**2),
    )


def _same_run(before: Crossing, after: Crossing) -> bool:
    return before.shapes == after.shapes and before.nodes[:-1] == after.nodes[:-1]


def _live_sets(graph: TracedGraph) -> Iterator[tuple[fx.Node, list[fx.Node]]]:
    """After each computation: its node, and the nodes whose tensors are still wanted."""
    values = _values(graph)
    live: list[_Value] = []
    for place, value in enumerate(values):
        live = [other for other in (*live, value) if max(other.taken.values(), default=-1) > place]
        crossing = [node for other in live for node in _cheapest(other, place, graph)]
        if all(node.name in graph.shares for node in crossing):
            yield value.node, crossing


def _cheapest(value: _Value, place: int, graph: TracedGraph) -> list[fx.Node]:
    """The value itself or those of its views that are wanted after a place, whichever has fewer elements."""
    wanted = [node for node, last in value.taken.items() if last > place]
    if value.node in wanted:
        return [value.node]
    if value.node.name in graph.shares and all(node.name in graph.shares for node in wanted):
        whole, parts = (sum(math.prod(graph.shares[n.name]) for n in nodes) for nodes in ([value.node], wanted))
        return wanted if parts < whole else [value.node]
    return wanted


def _values(graph: TracedGraph) -> list[_Value]:
    """The computations that data flow through, in the order in which they run; the image is the first."""
    flow = data_flow(graph)
    modules = dict(graph.module.named_modules())
    values: list[_Value] = []
    home: dict[fx.Node, _Value] = {}
    for node in (node for node in graph if node in flow):
        sources = [source for source in node.all_input_nodes if source in home]
        if len(sources) == 1 and _is_view(node, modules):
            home[node] = home[sources[0]]
            continue
        for source in sources:
            home[source].taken[source] = len(values)
        home[node] = _Value(node)
        values.append(home[node])
    if graph.output in home:
        home[graph.output].taken[graph.output] = len(values)
    return values


def _is_view(node: fx.Node, modules: dict[str, Any]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], _VIEW_MODULES)
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return node.op in ("call_method", "call_function") and name in _VIEWS
