"""Folds the numbers that a network reads off its tensors, so that they do not look like things that cross a cut.

A network asks for `x.shape[0]`, `h * w` or `x.device`. What does not depend on the batch becomes a constant, what is a
multiple of the batch size, and the device, are read from whatever enters the graph. Two runs tell them apart: batches
of 2 and of 3 images.
"""

import operator
from typing import Any

import torch
from torch import fx

__all__ = ["BATCHES", "fold", "shape_arithmetic"]

BATCHES = (2, 3)
_ARITHMETIC = (operator.getitem, operator.mul, operator.floordiv, operator.add, operator.sub)


def fold(graph_module: fx.GraphModule, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Replaces integers, shapes, dtypes and devices in place.

    Args:
        graph_module: the traced network.
        first: node name to what it returned for a batch of 2.
        second: the same for a batch of 3.
    """
    graph = graph_module.graph
    entry = _Entry(graph)
    for node in list(graph.nodes):
        if node in entry.nodes or node.op in ("placeholder", "output"):
            continue
        found = entry.constant(first.get(node.name), second.get(node.name))
        if found is not None:
            _replace(node, found)
    graph.eliminate_dead_code()
    graph.lint()
    graph_module.recompile()


class _Entry:
    """What can be read from the graph's input: the batch size and the device."""

    def __init__(self, graph: fx.Graph) -> None:
        self.graph = graph
        source = next(node for node in graph.nodes if node.op == "placeholder")
        with graph.inserting_after(source):
            self.device = graph.call_function(getattr, (source, "device"))
            shape = graph.call_function(getattr, (source, "shape"))
        with graph.inserting_after(shape):
            self.batch = graph.call_function(operator.getitem, (shape, 0))
        self.nodes = {shape, self.batch, self.device}

    def constant(self, a: Any, b: Any) -> Any:
        """What a value is, given what it was for both batches; None leaves the node as it is."""
        if isinstance(a, bool):
            return None
        if isinstance(a, int):
            return self._integer(a, b)
        if isinstance(a, torch.dtype):
            return a
        if isinstance(a, torch.device):
            return self.device
        if isinstance(a, torch.Size) and len(a) == len(b):
            sizes = [self._integer(p, q) for p, q in zip(a, b, strict=True)]
            return None if None in sizes else tuple(sizes)
        return None

    def _integer(self, a: int, b: int) -> Any:
        if a == b:
            return a
        if a * BATCHES[1] != b * BATCHES[0]:
            return None
        factor = a // BATCHES[0]
        return self.batch if factor == 1 else self._multiple(factor)

    def _multiple(self, factor: int) -> fx.Node:
        with self.graph.inserting_after(self.batch):
            node = self.graph.call_function(operator.mul, (self.batch, factor))
        self.nodes.add(node)
        return node


def _replace(node: fx.Node, value: Any) -> None:
    for user in list(node.users):
        user.args = fx.node.map_arg(user.args, lambda n: value if n is node else n)
        user.kwargs = fx.node.map_arg(user.kwargs, lambda n: value if n is node else n)


def shape_arithmetic(graph: fx.Graph) -> set[fx.Node]:
    """The nodes that hold the batch size or the device, and what is computed from them alone: no data."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if _reads_shape(node) or (_computes(node) and found.issuperset(node.all_input_nodes)):
            found.add(node)
    return found


def _reads_shape(node: fx.Node) -> bool:
    return node.op == "call_function" and node.target is getattr and node.args[1] in ("shape", "device")


def _computes(node: fx.Node) -> bool:
    return node.op == "call_function" and node.target in _ARITHMETIC and bool(node.all_input_nodes)
