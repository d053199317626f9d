"""Counts: closed forms, published figures, and sums over cuts."""

import pytest
import torch
from torch import fx, nn
from torchvision.models import get_model, get_model_weights

from splitsearch.profilers.counting.operators import (
    OperatorCost,
    count_macs,
    operator_costs,
    operators,
    total,
    uncounted,
    unknown,
)
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.backbones.torchvision import torchvision_names
from splitsearch.spaces.errors import UserError
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


def published(name: str) -> list[tuple[int, float]]:
    """Image size and GMACs of every published set of weights; nothing is downloaded."""
    return [(weights.transforms.keywords["crop_size"], weights.meta["_ops"]) for weights in get_model_weights(name)]


def at_size(name: str, size: int) -> nn.Module:
    if not name.startswith("vit_"):
        return usual_module(name)
    with torch.device("meta"):  # the position embedding of a vision transformer is made for one size
        found: nn.Module = get_model(name, weights=None, image_size=size).eval()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_macs_of_every_classifier_equal_every_published_figure(name: str) -> None:
    """Within 0.1 %, or half of the last digit of the published figure; there are no exceptions."""
    assert torch.backends.mha.get_fastpath_enabled()  # the default, in which most counters lose a vision transformer's
    found = {}
    for size, gmacs in published(name):
        if size not in found:
            with torch.no_grad():
                found[size] = operators(at_size(name, size), (3, size, size))
        macs = sum(row.cost.macs for row in found[size])
        assert macs / 1e9 == pytest.approx(gmacs, abs=5.001e-4, rel=1e-3), size
        assert unknown(uncounted(found[size])) == []


class Asking(nn.Module):
    """Asks its tensors for their values, which the meta device has not."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if float(self.weight.sum()) > 0:
            x = x @ self.weight
        return x @ self.weight if float(x.sum()) > 0 else x


class Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.asking, self.fc = nn.Conv2d(3, 4, 8, 8), Asking(), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.asking(self.conv(x).mean((2, 3))))


def test_code_that_asks_for_values_is_run_with_them() -> None:
    graph = trace(Wrapper().eval(), 16)
    assert list(graph.opaque) == ["asking"]
    table = {row.kind: row for row in operators(graph.module, (3, 16, 16))}
    assert table["Asking"].cost.macs == 16  # the real weights are positive; the sum over a black image is not
    assert table["Linear"].cost.macs == 8
    assert table["Asking"].cost.parameters == 16


def test_code_that_fails_with_values_too_is_named() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ValueError("not today")

    graph = fx.symbolic_trace(nn.Sequential(nn.Identity(), nn.Linear(4, 4)).eval())
    graph.add_module("0", Failing())
    with pytest.raises(UserError, match=r"'0' cannot be costed: it fails on a black image \(not today\)"):
        operator_costs(graph, (4,))


def test_nothing_is_passed_over_in_silence() -> None:
    class Own(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.fft.fft(torch.relu(x) @ x).real

    table = operators(nn.Sequential(Own(), nn.ReLU(), nn.MaxPool1d(2)).eval(), (4, 4))
    assert sum(row.cost.macs for row in table) == 64
    names = uncounted(table)
    assert {"relu", "ReLU", "MaxPool1d"} <= set(names)
    assert unknown(names) == ["aten::fft_fft"]
    (shapes,) = {row.input_shapes for row in table if row.kind == "matmul"}
    assert shapes == ((1, 4, 4), (1, 4, 4))


def test_head_and_tail_add_up_at_every_cut() -> None:
    graph = trace(get_model("resnet18", weights=None), 64)
    whole = total(operator_costs(graph.module, (3, 64, 64)).values())
    for cut in find_cuts(graph, "all"):
        head, tail = split_at(graph, cut)
        parts = [total(operator_costs(head, (3, 64, 64)).values()), total(operator_costs(tail, cut.shape).values())]
        assert sum(part.macs for part in parts) == whole.macs
        assert sum(part.parameters for part in parts) == whole.parameters
