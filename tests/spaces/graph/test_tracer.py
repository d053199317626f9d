"""What fx cannot follow becomes one opaque node, or is refused with the place in the user's code."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.graph.tracer import symbolic


class Undecided(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) if x.sum() > 0 else -x.flatten(1)


class Clips(nn.Module):
    """Asks for a value, which the meta device does not know either."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(max=float(x.max()))


class Parts(nn.Module):
    """Iterates over a stand-in of unknown length, so its caller cannot be followed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([row * 2 for row in x])


class Halves(nn.Module):
    """Returns a list of a length that only values tell: whoever walks over it cannot be followed either."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [x, x] if bool(x.shape[0] > 0) else []


class Sums(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.halves = Halves()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = x * 0
        for half in self.halves(x):
            total = total + half
        return total


class Options(nn.Module):
    """More parameters than images: their defaults hold."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))

    def forward(self, x: torch.Tensor, features: bool = False, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = x if mask is None else x * mask
        return x if features else self.layers(x)


class Writes(nn.Module):
    """Adds in place and forgets the result: a graph of values would lose the write."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1
        y.add_(1)
        return y


class Rectifies(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 1
        self.relu(y)
        return y


def around(middle: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    before = (nn.Conv2d(3, 4, 3), nn.ReLU())
    return nn.Sequential(*before, middle, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).eval()


@pytest.mark.parametrize("middle", [Clips(), Parts(), Sums(), Writes(), Rectifies()], ids=lambda m: type(m).__name__)
@torch.no_grad()
def test_a_module_that_resists_is_kept_whole_and_the_cuts_around_it_stay(middle: nn.Module) -> None:
    network = around(middle)
    graph = trace(network, 8)
    assert set(graph.opaque) == {"2"}
    assert [cut.name for cut in find_cuts(graph, "all")] == ["0", "1", "2", "3", "4", "5"]
    x = torch.randn(4, 3, 8, 8)
    for cut in find_cuts(graph, "all"):
        head, tail = split_at(graph, cut)
        torch.testing.assert_close(tail(head(x)), network(x), rtol=0, atol=1e-6)


def test_only_the_innermost_module_is_kept_whole() -> None:
    network = around(nn.Sequential(nn.Conv2d(4, 4, 1), Clips()))
    assert set(symbolic(network)[1]) == {"2.1"}


def test_the_place_of_an_opaque_part_is_known() -> None:
    line = next(k for k, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "float(x.max())" in text)
    assert symbolic(around(Clips()))[1]["2"].startswith(f"{__file__}:{line}: ")


def test_parameters_with_defaults_keep_them() -> None:
    network = Options().eval()
    graph = trace(network, 8)
    x = torch.randn(2, 3, 8, 8)
    assert graph.opaque == {}
    assert torch.equal(graph.module(x), network(x))
    assert len(find_cuts(graph, "all")) == 4


def test_what_the_network_itself_does_is_refused_with_the_line_and_the_way_out() -> None:
    line = next(k for k, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "if x.sum() > 0" in text)
    place = re.escape(f"{__file__}:{line}: ")
    with pytest.raises(
        UserError, match=rf"Undecided cannot be traced: .*{place}.*submodule.*torch\.fx\.wrap"
    ) as caught:
        symbolic(Undecided())
    assert "\n" not in str(caught.value)


def test_a_wrapper_around_one_opaque_part_is_refused() -> None:
    with pytest.raises(UserError, match="'0' holds all of it"):
        symbolic(nn.Sequential(Undecided()))


def test_data_dependent_code_needs_values_that_the_meta_device_has_not() -> None:
    with pytest.raises(UserError, match="does not take images of 8 x 8"):
        trace(around(Clips()).to("meta"), 8)
