"""Narrowing: the channels asked for, and one error for everything that cannot be narrowed."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.variants.resize import ChannelGroup, _BoundedMappings, resize


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


@torch.no_grad()
def test_a_frozen_network_gets_narrower_too_and_stays_frozen(network: nn.Module) -> None:
    network.requires_grad_(False)
    network[1][0].weight.requires_grad_(True)
    narrow = resize(network, 32, lambda group: group.channels // 2)
    assert narrow.get_submodule("0.0").out_channels == 4
    assert [path for path, p in narrow.named_parameters() if p.requires_grad] == ["1.0.weight"]
