"""The flow of data through a traced graph: which values are made from the image, and which of them all others need.

A node dominates the output when every path from the input to the output runs through it (Lengauer and Tarjan, 1979).
"""

import networkx as nx
from torch import fx

from splitsearch.spaces.graph.fold import shape_arithmetic
from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["ancestors", "data_flow", "dominators"]


def data_flow(graph: TracedGraph) -> "nx.DiGraph[fx.Node]":
    """Edges along which values made from the input's pixels run; folded shape arithmetic is no data."""
    arithmetic = shape_arithmetic(graph.module.graph)
    flow: nx.DiGraph[fx.Node] = nx.DiGraph()
    flow.add_node(graph.input)
    for node in graph:
        if node.op != "output" and node not in arithmetic:
            flow.add_edges_from((source, node) for source in node.all_input_nodes if source in flow)
    return flow


def dominators(graph: TracedGraph) -> list[fx.Node]:
    """Nodes with one float tensor per image that dominate the logits, from the first to the logits themselves."""
    parents = nx.immediate_dominators(data_flow(graph), graph.input)
    chain, node = [], graph.output
    while node is not graph.input:
        chain.append(node)
        node = parents[node]
    return [node for node in reversed(chain) if node.name in graph.shapes]


def ancestors(node: fx.Node) -> set[fx.Node]:
    """The node and everything that it is computed from."""
    found: set[fx.Node] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(current.all_input_nodes)
    return found
