"""Channels side by side: the same values, and never where a network would stumble over it."""

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from splitsearch.searcher.training.channel_order import ordered, takes_channels_last
from splitsearch.spaces.graph.trace import trace


class Viewing(nn.Module):
    """As many networks of users end: a map is flattened by a view."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 4, 3, 2, 1), nn.Linear(4 * 16 * 16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        logits: torch.Tensor = self.linear(x.view(x.size(0), -1))
        return logits


@given(st.integers(1, 3), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_values_and_shapes_stay(count: int, shape: list[int]) -> None:
    x = torch.randn(count, *shape)
    assert torch.equal(ordered(x), x)
    assert ordered(x).shape == x.shape


def test_maps_have_their_channels_side_by_side_and_windows_are_left_alone() -> None:
    assert ordered(torch.randn(2, 5, 4, 4)).stride() == (80, 1, 20, 5)
    windows = torch.randn(2, 7, 7, 96)  # swin: channels lie last anyway
    assert ordered(windows).stride() == windows.stride()


def test_networks_that_view_get_maps_as_they_are_used_to(network: nn.Module) -> None:
    assert takes_channels_last(trace(network, 32))
    assert not takes_channels_last(trace(Viewing(), 32))


@torch.no_grad()
def test_what_enters_decides_for_every_layer(training: Any) -> None:
    student = training().lesson.student
    seen: list[bool] = []
    for module in student.tail.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(
                lambda _, __, out: seen.append(out.is_contiguous(memory_format=torch.channels_last))
            )
    student.logits(student.narrow(torch.arange(4))[0])
    assert seen
    assert all(seen)
