"""Counts: closed forms, published figures, and sums over cuts."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights

from splitsearch.profilers.operators import OperatorCost, count_macs, operator_costs, total
from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.graph.trace import trace


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attend(x, x, x, need_weights=False)[0]


class Product(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x, x.transpose(1, 2))


@pytest.mark.parametrize(
    ("module", "shape", "macs"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), (4, 5, 5), 4 * 6 * 9 * 25),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 8, 8), 2 * 6 * 9 * 16),
        (nn.Linear(7, 3), (7,), 21),
        (nn.BatchNorm2d(4), (4, 5, 5), 0),
        (nn.AdaptiveAvgPool2d(1), (4, 5, 5), 0),
        (Product(), (5, 3), 5 * 5 * 3),
        # Four projections of 5 tokens, and two products of 5 x 5 with 8 channels.
        (Attention(), (5, 8), 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_operator_in_closed_form(module: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    wrapped = nn.Sequential(module).eval()
    assert total(operator_costs(wrapped, shape).values()).macs == macs


def test_what_an_operator_moves() -> None:
    (cost,) = operator_costs(nn.Sequential(nn.Conv2d(4, 6, 1)).eval(), (4, 5, 5)).values()
    assert cost == OperatorCost(macs=600, parameters=30, inputs=100, outputs=150)
    assert total([cost, cost]).peak_elements == 250


def test_views_are_free() -> None:
    assert operator_costs(nn.Sequential(nn.Flatten(), nn.Dropout()).eval(), (4, 5, 5)) == {}
    assert count_macs(nn.Linear(7, 3), torch.zeros(2, 7)) == 42


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "mobilenet_v2", "vgg11", "vit_b_32", "swin_t"])
def test_macs_equal_the_published_figures(name: str) -> None:
    graph = trace(get_model(name, weights=None), 224)
    published = get_model_weights(name).DEFAULT.meta
    found = total(operator_costs(graph.module, (3, 224, 224)).values())
    assert found.macs / 1e9 == pytest.approx(published["_ops"], abs=6e-4, rel=1e-3)
    # Learned embeddings that are added and not multiplied belong to no operator.
    assert found.parameters == pytest.approx(published["num_params"], rel=2e-3)


def test_head_and_tail_add_up_at_every_cut() -> None:
    graph = trace(get_model("resnet18", weights=None), 64)
    whole = total(operator_costs(graph.module, (3, 64, 64)).values())
    for cut in find_cuts(graph, "all"):
        head, tail = split_at(graph, cut)
        parts = [total(operator_costs(head, (3, 64, 64)).values()), total(operator_costs(tail, cut.shape).values())]
        assert sum(part.macs for part in parts) == whole.macs
        assert sum(part.parameters for part in parts) == whole.parameters
