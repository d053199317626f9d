"""Tracing and folding."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import TracedGraph, is_tensor, trace


def test_the_folded_graph_computes_what_the_network_computes(network: nn.Module, graph: TracedGraph) -> None:
    x = torch.randn(5, 3, 32, 32)
    assert torch.equal(graph.module(x), network(x))


@pytest.mark.parametrize("name", ["vit_b_32", "shufflenet_v2_x0_5", "swin_t"])
def test_shapes_read_off_tensors_do_not_fix_the_batch(name: str) -> None:
    torch.manual_seed(0)
    size = 224 if name == "vit_b_32" else 64
    module = get_model(name, weights=None).eval()
    graph = trace(module, size)
    x = torch.randn(1, 3, size, size)
    torch.testing.assert_close(graph.module(x), module(x))


def test_shapes_leave_the_batch_out(graph: TracedGraph) -> None:
    assert graph.shapes[graph.output.name] == (10,)
    assert graph.shapes[graph.input.name] == (3, 32, 32)
    assert is_tensor(torch.zeros(1))


def test_paths_are_unique_and_readable(graph: TracedGraph) -> None:
    paths = list(graph.paths.values())
    assert len(paths) == len(set(paths))
    assert "1.2" in paths


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.flatten(1), x


def test_a_network_must_return_logits() -> None:
    with pytest.raises(UserError, match="one tensor of logits"):
        trace(Pair(), 8)


def test_an_image_too_small_is_refused() -> None:
    with pytest.raises(UserError, match="does not take images of 8 x 8"):
        trace(get_model("vgg11", weights=None), 8)


def test_a_network_on_the_meta_device_needs_no_values(network: nn.Module, graph: TracedGraph) -> None:
    moved = trace(network.to("meta"), 32)
    assert moved.shapes == graph.shapes
    assert moved.paths == graph.paths


def test_shares_are_what_belongs_to_one_image(graph: TracedGraph) -> None:
    assert graph.shares == graph.shapes
    assert graph.opaque == {}
