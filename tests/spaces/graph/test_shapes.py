"""Shapes without arithmetic."""

import pytest
import torch
from torch import fx, nn

from splitsearch.spaces.graph.shapes import ShapeInterpreter


def test_shapes_are_those_of_a_real_run() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 5)).eval()
    real = module(torch.zeros(2, 3, 7, 7))
    found = ShapeInterpreter(fx.symbolic_trace(module).to("meta")).run(torch.empty(2, 3, 7, 7, device="meta"))
    assert found.shape == real.shape


def test_values_are_computed_where_there_are_any() -> None:
    module = fx.symbolic_trace(nn.Sequential(nn.ReLU()))
    assert ShapeInterpreter(module).run(torch.tensor([-1.0])).item() == 0


def test_a_norm_of_other_channels_does_not_pass() -> None:
    module = fx.symbolic_trace(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(5)).to("meta"))
    with pytest.raises(RuntimeError, match="norms 5 channels and gets 4"):
        ShapeInterpreter(module).run(torch.empty(1, 3, 2, 2, device="meta"))
