"""Where ONNX Runtime reorders."""

import pytest
import torch
from torch import nn

from splitsearch.profilers.predict.blocked import takes_blocks, with_reorders
from splitsearch.profilers.predict.describe import operators_of
from splitsearch.profilers.predict.fuse import launches_of
from splitsearch.profilers.predict.kernel import Kernel


def kinds(module: nn.Module, shape: tuple[int, ...]) -> tuple[list[str], bool, bool]:
    launches, edges = with_reorders(launches_of(operators_of(module.eval(), shape), "onnxruntime"))
    return [launch.kernel.kind for launch in launches], edges.entry is not None, edges.leave is not None


def test_a_network_is_reordered_once_at_its_end() -> None:
    module = nn.Sequential(nn.Conv2d(3, 16, 3), nn.MaxPool2d(2), nn.Conv2d(16, 32, 1), nn.AdaptiveAvgPool2d(1))
    assert kinds(module, (3, 16, 16)) == (["convolution", "pool", "convolution", "copy", "pool"], False, False)


def test_a_part_of_it_is_reordered_at_both_ends() -> None:
    found = kinds(nn.Sequential(nn.Conv2d(16, 32, 1), nn.ReLU()), (16, 8, 8))
    assert found == (["convolution"], True, True)


class Excitation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.squeeze = nn.Conv2d(16, 32, 1), nn.AdaptiveAvgPool2d(1)
        self.scale, self.after = nn.Conv2d(32, 32, 1), nn.Conv2d(32, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.before(x)
        return self.after(x * self.scale(self.squeeze(x)).sigmoid())


def test_each_result_is_reordered_once_however_many_read_it() -> None:
    # Out for the mean, in for the scale, out of it, and in again for what follows the product.
    names, entry, leave = kinds(Excitation(), (16, 8, 8))
    assert names == [
        "convolution", "copy", "pool", "copy", "convolution", "copy", "elementwise", "copy", "convolution"
    ]  # fmt: skip
    assert (entry, leave) == (True, True)


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"in_channels": 3, "out_channels": 16}, True),  # fewer than a block: read as they are
        ({"in_channels": 20, "out_channels": 7}, True),
        ({"in_channels": 18, "out_channels": 16}, False),
        ({"in_channels": 20, "out_channels": 20, "groups": 20}, True),
        ({"in_channels": 18, "out_channels": 18, "groups": 18}, False),
        ({"in_channels": 64, "out_channels": 64, "groups": 4}, True),
        ({"in_channels": 64, "out_channels": 64, "groups": 8}, False),
        ({"in_channels": 16, "out_channels": 16, "fused": ("convtranspose2d",)}, False),
    ],
)
def test_which_convolutions_take_blocks(fields: dict[str, int], taken: bool) -> None:
    assert takes_blocks(Kernel(kind="convolution", **fields)) is taken


def test_what_works_in_blocks_works_on_the_channels_that_fill_them() -> None:
    module = nn.Sequential(nn.Conv2d(16, 20, 1), nn.MaxPool2d(2), nn.SiLU(), nn.AdaptiveAvgPool2d(1))
    launches, edges = with_reorders(launches_of(operators_of(module.eval(), (16, 4, 4)), "onnxruntime"))
    told = {
        launch.kernel.fused[-1]: (launch.kernel.in_channels, launch.kernel.inputs, launch.kernel.outputs)
        for launch in launches
        if launch.kernel.fused
    }
    assert told["maxpool2d"] == (32, 32 * 16, 32 * 4)
    assert told["silu"] == (32, 32 * 4, 32 * 4)
    assert told["reorder"] == (32, 32 * 4, 20 * 4), "back in plain order, they are gone"
    assert launches[-1].kernel.in_channels == 20
    assert edges.entry is not None
    assert (edges.entry.in_channels, edges.entry.out_channels) == (16, 16)


def test_an_odd_tensor_fills_a_block_when_it_is_reordered() -> None:
    module = nn.Sequential(nn.ConvTranspose2d(3, 20, 1), nn.Conv2d(20, 16, 1))
    launches, _ = with_reorders(launches_of(operators_of(module.eval(), (3, 4, 4)), "onnxruntime"))
    (found,) = [launch.kernel for launch in launches if launch.kernel.fused == ("reorder",)]
    assert (found.in_channels, found.out_channels, found.inputs, found.outputs) == (20, 32, 20 * 16, 32 * 16)


def test_a_norm_that_no_convolution_absorbs_becomes_one() -> None:
    launches, _ = with_reorders(
        launches_of(
            operators_of(
                nn.Sequential(nn.Conv2d(3, 16, 3), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU()).eval(), (3, 8, 8)
            ),
            "onnxruntime",
        )
    )
    norm = launches[-1].kernel
    assert (norm.kind, norm.groups, norm.fused, norm.macs) == ("convolution", 16, ("relu",), 0)
