"""Data flow and dominators, against definitions computed in another way."""

import networkx as nx
import pytest
import torch
from torchvision.models import get_model

from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.flow import ancestors, data_flow, dominators
from splitsearch.spaces.graph.trace import TracedGraph, trace


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "vit_b_32"])
def test_dominators_are_the_articulation_points_of_the_data_flow(name: str) -> None:
    extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        graph = trace(get_model(name, weights=None, **extra), 224)
    flow = data_flow(graph)
    between = nx.ancestors(flow, graph.output) | {graph.output}
    found = set(nx.articulation_points(flow.subgraph(between).to_undirected())) | {graph.output}
    offered = {node.name for node in found} - {graph.input.name}
    assert {node.name for node in dominators(graph)} == {name for name in offered if name in graph.shapes}
    assert [node.name for node in dominators(graph)] == [cut.node for cut in find_cuts(graph, "all")]


def test_ancestors_are_what_a_node_is_computed_from(graph: TracedGraph) -> None:
    nodes = list(graph)
    place = next(k for k, node in enumerate(nodes) if graph.paths[node.name] == "1.0")
    first = ancestors(nodes[place])
    assert nodes[place] in first
    assert all(source in first for node in first for source in node.all_input_nodes)
    assert nodes[place + 1] not in first


def test_parameters_are_no_data() -> None:
    with torch.device("meta"):
        graph = trace(get_model("vit_b_32", weights=None), 224)
    flow = data_flow(graph)
    assert not any(node.op == "get_attr" for node in flow)
