"""Operators timed where they run."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from splitsearch.profilers.measure.eager_kernels import eager_kernels
from splitsearch.profilers.predict.fuse import kernels_of
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.graph.tracer import symbolic


def test_one_entry_for_each_kernel(graph: TracedGraph) -> None:
    found = eager_kernels(graph.module, (3, 32, 32), runs=3, where="net")
    assert [kernel.kernel for kernel in found] == list(kernels_of(graph.module, (3, 32, 32), "eager"))
    assert all((kernel.n, kernel.where) == (4, "net") for kernel in found), "two at each layout of the heap"


class Uneven(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.large, self.small = nn.Conv2d(16, 64, 5), nn.Conv2d(16, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.large(x).mean(dim=(1, 2, 3)) + self.small(x).reshape(x.shape[0], -1)[:, 0]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """A thread's own time says nothing of work that it gives to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_large_operators_take_longer(one_thread: None) -> None:
    module = symbolic(Uneven().eval())[0]
    times = {kernel.macs: kernel.ms for kernel in eager_kernels(module, (16, 48, 48), runs=7, where="net")}
    small, large = sorted(macs for macs in times if macs)
    assert large == 64 * 44 * 44 * 16 * 25
    assert times[large] > 2 * times[small]
