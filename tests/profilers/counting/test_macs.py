"""Counts of one call, and what they leave out."""

import pytest
import torch
from torch import nn

from splitsearch.profilers.counting.macs import count, count_macs, fvcore_view, is_free


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)).eval()


def test_norms_and_pooling_are_left_out_and_named() -> None:
    counted = count(network(), torch.zeros(1, 3, 8, 8))
    assert counted.macs == 3 * 4 * 9 * 64
    assert counted.uncounted == {"aten::batch_norm": 1, "aten::max_pool2d": 1}
    assert count_macs(network(), torch.zeros(2, 3, 8, 8)) == 2 * counted.macs


class Sum(nn.Module):
    def __init__(self, equation: str) -> None:
        super().__init__()
        self.equation = equation

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.einsum(self.equation, a, b)


@pytest.mark.parametrize("equation", ["nchw,cd->ndhw", "n c h w, c d -> n d h w", "...chw,cd->...dhw"])
def test_sums_over_indices_are_exact(equation: str) -> None:
    macs = count_macs(Sum(equation), torch.zeros(1, 8, 16, 16), torch.zeros(8, 9))
    # With dots, fvcore's own count to four digits is all that there is.
    assert macs == pytest.approx(8 * 9 * 16 * 16, rel=1e-3 if "." in equation else 0)


def test_the_view_of_fvcore_counts_norms_and_puts_each_count_in_one_module() -> None:
    view = fvcore_view(nn.Sequential(network(), nn.Flatten(), nn.Linear(64, 2)), torch.zeros(1, 3, 8, 8))
    rows = {(row.module, row.operator): row.macs for row in view.rows}
    assert rows["0.0", "conv"] == 3 * 4 * 9 * 64
    assert rows["0.1", "batch_norm"] > 0
    assert rows["2", "linear"] == 128
    assert len(rows) == 3
    assert view.unsupported == {"aten::max_pool2d": 1}


@pytest.mark.parametrize(("name", "free"), [("aten::add_", True), ("relu", True), ("matmul", False), ("fft", False)])
def test_what_is_known_to_be_free(name: str, *, free: bool) -> None:
    assert is_free(name) == free
