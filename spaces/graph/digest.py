"""A hash of a traced network's structure: what was measured of it is found again, whatever its weights and names."""

import hashlib
from collections.abc import Mapping
from typing import Any

from torch import fx

from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["structure_hash"]


def structure_hash(graph: TracedGraph) -> str:
    """SHA-256 over every operator, what it reads, its settings, and the shape of its output.

    Weights, their device, and the names of modules do not count: two networks with equal hashes run the same kernels.
    """
    modules = dict(graph.module.named_modules())
    places = {node: place for place, node in enumerate(graph)}
    lines = [_line(node, modules, places, graph.shares.get(node.name)) for node in graph]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _line(node: fx.Node, modules: Mapping[str, Any], places: Mapping[fx.Node, int], shape: Any) -> str:
    if node.op == "call_module":
        what = repr(modules[str(node.target)])
    elif node.op == "get_attr":
        what = "weight"
    elif node.op in ("placeholder", "output"):
        what = ""
    else:
        what = node.target if isinstance(node.target, str) else _function(node.target)
    reads = fx.node.map_arg((node.args, node.kwargs), lambda read: f"%{places[read]}")
    return f"{node.op} {what} {reads} {shape}"


def _function(target: Any) -> str:
    # Not repr: it holds an address. The module of a torch function moves between releases; its name does not.
    return str(getattr(target, "__name__", type(target).__name__))
