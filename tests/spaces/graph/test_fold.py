"""Numbers read off tensors: constants, multiples of the batch size, the device."""

import torch
from torch import nn

from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.graph.fold import BATCHES, shape_arithmetic
from splitsearch.spaces.graph.trace import trace


class Reads(nn.Module):
    """Everything that networks read: sizes, whole shapes, products with the batch, dtype and device."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.last = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        b, c, h, w = x.shape
        windows = x.permute(0, 2, 3, 1).reshape(b * h * w, c)
        windows = windows + torch.zeros(windows.size(), dtype=x.dtype, device=x.device)
        x = windows.view(b, h * w, c).mean(1).view(-1, x.size(1))
        return self.last(x.reshape(x.shape[0], 4))


@torch.no_grad()
def test_a_folded_graph_runs_any_batch_and_its_parts_too() -> None:
    torch.manual_seed(0)
    module = Reads().eval()
    graph = trace(module, 6)
    for batch in (1, 2, 5):
        x = torch.randn(batch, 3, 6, 6)
        assert torch.equal(graph.module(x), module(x))
        for cut in find_cuts(graph, "all"):
            head, tail = split_at(graph, cut)
            assert torch.equal(tail(head(x)), module(x)), cut.name


def test_windows_folded_into_the_batch_are_no_cut_but_are_weighed() -> None:
    graph = trace(Reads().eval(), 6)
    folded = {name for name in graph.shares if name not in graph.shapes}
    assert (36, 4) in {graph.shares[name] for name in folded}
    assert not folded & {cut.node for cut in find_cuts(graph, "all")}


def test_arithmetic_is_what_comes_from_the_batch_size_alone() -> None:
    graph = trace(Reads().eval(), 6)
    arithmetic = shape_arithmetic(graph.module.graph)
    assert arithmetic
    assert all(node.name not in graph.shares for node in arithmetic)
    assert not any(node in arithmetic for node in graph if node.name in graph.shapes)
    assert BATCHES[0] != BATCHES[1]
