"""Cuts: legal, complete, and the two parts equal the whole."""

import networkx as nx
import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import _data_flow, find_cut, find_cuts, split_at
from splitsearch.spaces.graph.trace import TracedGraph, trace

TOLERANCE = 1e-5  # of the largest logit: head and tail run the same kernels, up to memory formats


def randomised(name: str) -> nn.Module:
    torch.manual_seed(0)
    module = get_model(name, weights=None)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 1.5)  # type: ignore[arg-type]
    return module.eval()


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "mobilenet_v3_small", "vgg11"])
@torch.no_grad()
def test_head_and_tail_equal_the_whole_at_every_cut(name: str) -> None:
    module = randomised(name)
    graph = trace(module, 64)
    x = torch.randn(3, 3, 64, 64)
    whole = module(x)
    cuts = find_cuts(graph, "all")
    assert len(cuts) > 10
    for cut in cuts:
        head, tail = split_at(graph, cut)
        crossing = head(x)
        assert tuple(crossing.shape[1:]) == cut.shape
        assert (tail(crossing) - whole).abs().max() <= TOLERANCE * whole.abs().max(), cut.name


# The facts of the design count the logits themselves too: 39/21, 107/55, 25/15, 65/33.
@pytest.mark.parametrize(
    ("name", "all_cuts", "blocks"),
    [("resnet50", 38, 20), ("resnet152", 106, 54), ("densenet169", 24, 14), ("mobilenet_v3_large", 64, 32)],
)
def test_counts_of_known_networks(name: str, all_cuts: int, blocks: int) -> None:
    graph = trace(get_model(name, weights=None), 224)
    assert len(find_cuts(graph, "all")) == all_cuts
    assert len(find_cuts(graph, "blocks")) == blocks


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_cuts_are_the_articulation_points_of_the_data_flow(name: str) -> None:
    extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    graph = trace(get_model(name, weights=None, **extra), 64)
    flow = _data_flow(graph)
    between = nx.ancestors(flow, graph.output) | {graph.output}
    found = set(nx.articulation_points(flow.subgraph(between).to_undirected()))
    assert {node.name for node in found} - {graph.input.name} == {cut.node for cut in find_cuts(graph, "all")}


def test_stages_end_where_the_map_shrinks_and_leave_the_server_work() -> None:
    graph = trace(get_model("resnet18", weights=None), 64)
    assert [cut.shape for cut in find_cuts(graph, "stages")] == [
        (64, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4),
    ]  # fmt: skip


def test_a_module_stands_for_its_last_cut() -> None:
    graph = trace(get_model("resnet18", weights=None), 64)
    assert find_cut(graph, "layer2").name == find_cut(graph, "layer2.1.relu_1").name


def test_unknown_cuts_and_sets_name_the_nearest(graph: TracedGraph) -> None:
    with pytest.raises(UserError, match=r"no cut '1.9'; did you mean"):
        find_cut(graph, "1.9")
    with pytest.raises(UserError, match="did you mean 'blocks'"):
        find_cuts(graph, "block")  # type: ignore[arg-type]


def test_indices_and_ratios(graph: TracedGraph) -> None:
    first = find_cuts(graph, "all")[0]
    assert (first.index, first.shape, first.elements) == (0, (8, 16, 16), 2048)
    assert first.input_ratio == pytest.approx(2048 / 3072)
