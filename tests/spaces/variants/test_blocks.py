"""Building blocks are found by what they hold and yield."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.variants.blocks import find_stages, repeated_parts


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return x + y if x.shape == y.shape else y


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("resnet18", (2, 2, 2, 2)),
        ("resnet50", (3, 4, 6, 3)),
        ("regnet_x_1_6gf", (2, 4, 10, 2)),
        ("mobilenet_v2", (1, 2, 3, 4, 3, 3, 1)),
        ("mnasnet1_0", (3, 3, 3, 2, 4, 1)),
        ("efficientnet_b0", (1, 2, 2, 3, 3, 4, 1)),
        ("convnext_tiny", (3, 3, 9, 3)),
        ("vit_b_16", (12,)),
        ("vgg11", ()),
    ],
)
def test_stages_of_published_networks(name: str, sizes: tuple[int, ...]) -> None:
    # RegNet computes its widths with tensors, which must have values.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        module = get_model(name, weights=None)
    stages = find_stages(module, 224)
    assert tuple(len(stage.blocks) for stage in stages) == sizes


def test_a_stage_starts_where_the_shape_changes() -> None:
    network = nn.Sequential(Block(3, 8), Block(8, 8), Block(8, 8, 2), Block(8, 8), Block(8, 8), Block(8, 16))
    found = [stage.paths for stage in find_stages(nn.Sequential(network), 32)]
    assert found == [["0.0", "0.1"], ["0.2", "0.3", "0.4"], ["0.5"]]
    assert [stage.container for stage in find_stages(network, 32)] == [""] * 3


def test_a_stride_that_leaves_no_trace_starts_a_stage() -> None:
    network = nn.Sequential(Block(3, 8, 2), Block(8, 8, 2), Block(8, 8))
    assert [stage.blocks for stage in find_stages(network, 2)] == [("0",), ("1", "2")]


def test_layers_alike_inside_a_block_are_no_stage() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(Block(8, 8), Block(8, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.body(x)

    network = nn.Sequential(nn.Conv2d(3, 8, 1), Outer(), Outer(), Outer())
    assert [stage.blocks for stage in find_stages(network, 8)] == [("1", "2", "3")]


def test_single_layers_and_sequences_are_no_blocks() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    assert find_stages(nn.Sequential(layers, nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())), 8) == []


def test_looking_leaves_the_network_alone() -> None:
    network = nn.Sequential(Block(3, 8), Block(8, 8))
    find_stages(network, 8)
    assert not any(part._forward_hooks for part in network.modules())
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())


def test_a_network_that_does_not_run_is_infeasible() -> None:
    with pytest.raises(InfeasibleError, match="does not take images of 8 x 8 pixels"):
        find_stages(nn.Sequential(nn.Conv2d(4, 8, 1)), 8)


def test_parts_of_a_kind_that_comes_again() -> None:
    network = nn.Sequential(Block(3, 8), nn.Sequential(Block(8, 8), nn.Conv2d(8, 8, 1)))
    assert repeated_parts(network) == ["0", "1.0"]
    assert repeated_parts(nn.Sequential(Block(3, 8), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1))) == []
