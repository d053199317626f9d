"""Narrowing: the channels asked for, and one error for everything that cannot be narrowed."""

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.variants.resize import ChannelGroup, _BoundedMappings, resize, survey


def half(group: ChannelGroup) -> int:
    return group.channels // 2


def test_channels_leave_and_the_logits_stay(network: nn.Module) -> None:
    narrow = resize(network, 32, half)
    widths = [layer.out_channels for layer in narrow.modules() if isinstance(layer, nn.Conv2d)]
    assert widths == [4, 8, 8]
    assert narrow(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    torch.testing.assert_close(narrow.get_submodule("0.0").weight, network.get_submodule("0.0").weight[:4])


def test_the_most_important_stay(network: nn.Module) -> None:
    narrow = resize(network, 32, half, score=lambda group: torch.arange(group.channels, dtype=torch.float))
    torch.testing.assert_close(narrow.get_submodule("0.0").weight, network.get_submodule("0.0").weight[4:])


def test_fixed_layers_keep_their_width(network: nn.Module) -> None:
    narrow = resize(network, 32, half, fixed=["1.0"])
    assert [layer.out_channels for layer in narrow.modules() if isinstance(layer, nn.Conv2d)] == [4, 16, 8]


def test_an_empty_layer_is_refused(network: nn.Module) -> None:
    with pytest.raises(InfeasibleError, match="would leave one of its 1 layers empty"):
        resize(network, 32, lambda group: 0)


def test_what_the_caller_raises_stays_what_it_is(network: nn.Module) -> None:
    def refuse(group: ChannelGroup) -> int:
        raise UserError("no")

    with pytest.raises(UserError, match=r"^no$"):
        resize(network, 32, refuse)


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "vit_b_32"])
def test_families_that_cannot_be_followed(name: str) -> None:
    with pytest.raises(InfeasibleError, match=r"cannot be followed|does not fit together"):
        resize(get_model(name, weights=None).to("meta"), 224, half)


def test_channels_that_multiply_without_end_are_stopped() -> None:
    # Without a bound, the channels of windowed attention fill the memory until the system kills the process.
    with pytest.raises(InfeasibleError, match="a reshape yields more than"):
        resize(get_model("swin_t", weights=None).to("meta"), 224, half)


def test_warnings_about_layer_scales_do_not_count() -> None:
    narrow = resize(get_model("convnext_tiny", weights=None).to("meta"), 64, half)
    assert narrow(torch.empty(1, 3, 64, 64, device="meta")).shape == (1, 1000)


class _Number:
    def __init__(self, idx: int) -> None:
        self.idx = idx


def test_bounded_translations() -> None:
    mappings = _BoundedMappings([None, None], 4)
    mappings[0] = lambda numbers: [_Number(number.idx + 1) for number in numbers]
    mappings[1] = lambda numbers: numbers * 2
    shift, double = list(mappings)
    assert [number.idx for number in shift([_Number(2)])] == [3]
    with pytest.raises(OverflowError):
        shift([_Number(3)])
    with pytest.raises(OverflowError):
        double([_Number(0)] * 3)
    mappings[0] = None
    assert mappings[0] is None


class Dense(nn.Module):
    """Every layer reads what all layers before it made."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.layers = nn.ModuleList(nn.Conv2d(4 + 4 * place, 4, 1) for place in range(layers))
        self.last = nn.Linear(4 + 4 * layers, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return self.last(x.mean((2, 3)))


def test_translations_are_worked_out_anew_only_when_channels_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch_pruning

    mapping, counted = torch_pruning.dependency.index_mapping, 0
    real = mapping.update_concat_index_mapping

    def counting(*arguments: Any) -> None:
        nonlocal counted
        counted += 1
        real(*arguments)

    monkeypatch.setattr(mapping, "update_concat_index_mapping", counting)
    found: list[ChannelGroup] = []
    survey(Dense(6), 8, found.append)
    assert [group.channels for group in found] == [4] * 7
    assert counted == 6, "once for each concatenation, and not once more for every group"
    narrow = resize(Dense(6), 8, half)
    assert narrow(torch.zeros(2, 3, 8, 8)).shape == (2, 10)
    assert [layer.in_channels for layer in narrow.layers] == [2, 4, 6, 8, 10, 12]
    assert narrow.last.in_features == 14
    assert counted == 6 + 6 + 7 * 6


@torch.no_grad()
def test_a_frozen_network_gets_narrower_too_and_stays_frozen(network: nn.Module) -> None:
    network.requires_grad_(False)
    network[1][0].weight.requires_grad_(True)
    narrow = resize(network, 32, lambda group: group.channels // 2)
    assert narrow.get_submodule("0.0").out_channels == 4
    assert [path for path, p in narrow.named_parameters() if p.requires_grad] == ["1.0.weight"]
