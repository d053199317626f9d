"""Cuts: legal, complete, and the two parts equal the whole."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import find_cut, find_cuts, head_nodes, part_at, split_at
from splitsearch.spaces.graph.trace import TracedGraph, trace


# Counted with the logits, which are a cut that leaves nothing.
@pytest.mark.parametrize(
    ("name", "all_cuts", "blocks"),
    [
        ("resnet50", 39, 21),
        ("resnet152", 107, 55),
        ("densenet169", 25, 15),
        ("mobilenet_v3_large", 65, 33),
        ("vit_b_16", 33, 30),
        ("swin_t", 41, 36),
    ],
)
def test_counts_of_known_networks(name: str, all_cuts: int, blocks: int) -> None:
    with torch.device("meta"):
        graph = trace(get_model(name, weights=None), 224)
    assert len(find_cuts(graph, "all")) == all_cuts
    assert len(find_cuts(graph, "blocks")) == blocks


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


@torch.no_grad()
def test_the_logits_are_the_last_cut_and_leave_an_empty_tail(network: nn.Module, graph: TracedGraph) -> None:
    x = torch.randn(2, 3, 32, 32)
    for which in ("all", "blocks"):
        last = find_cuts(graph, which)[-1]
        assert (last.node, last.shape) == (graph.output.name, (10,))
        head, tail = split_at(graph, last)
        assert torch.equal(tail(head(x)), network(x))
        assert [node.op for node in tail.graph.nodes] == ["placeholder", "output"]
    assert graph.output.name not in {cut.node for cut in find_cuts(graph, "stages")}


def test_the_head_runs_what_its_cut_is_computed_from(graph: TracedGraph) -> None:
    for cut in find_cuts(graph, "all"):
        head, _ = split_at(graph, cut)
        assert head_nodes(graph, cut) == {node.name for node in head.graph.nodes if node.op != "output"}


def test_parts_are_made_once_or_anew(graph: TracedGraph) -> None:
    cut = find_cuts(graph, "all")[0]
    assert split_at(graph, cut) is split_at(graph, cut)
    assert part_at(graph, cut)[0] is not part_at(graph, cut)[0]


def test_windows_and_grids_of_a_map_end_no_stage() -> None:
    """MaxViT folds its map into windows and a grid, and back, in every block."""
    with torch.device("meta"):
        graph = trace(get_model("maxvit_t", weights=None), 224)
    assert [cut.shape for cut in find_cuts(graph, "stages")] == [
        (64, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7),
    ]  # fmt: skip
