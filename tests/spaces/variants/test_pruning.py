"""Pruning: channels are really gone, the right ones, and only on the side of the cut that was asked for."""

from collections.abc import Collection

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.profilers.counting.operators import operator_costs, total
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.cuts import find_cut, split_at
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.variants.pruning import IMPORTANCES, layers_in, prune
from splitsearch.spaces.variants.resize import ChannelGroup, resize

SIZE = 64


def weighted(module: nn.Module) -> list[str]:
    return [path for path, layer in module.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def ghost(name: str) -> nn.Module:
    with torch.device("meta"):
        module: nn.Module = get_model(name, weights=None)
    return module.eval()


def calibrated(name: str) -> nn.Module:
    """Random weights whose norms keep the signal alive, with scales that tower above the noise of the importances."""
    torch.manual_seed(0)
    module: nn.Module = get_model(name, weights=None).train()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
            nn.init.constant_(layer.weight, 100.0)
    with torch.no_grad():
        module(torch.randn(4, 3, SIZE, SIZE))
    return module.eval()


def chain() -> nn.Sequential:
    """Four channels whose L1 importances are 1, 2.5, 4 and 8.5: of 3 weights that make and 2 that read each."""
    first, second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([1.0, 5.0, 0.0, 2.0]).reshape(4, 1, 1, 1).expand(4, 3, 1, 1))
        second.weight.fill_(1.0)
    return nn.Sequential(first, nn.ReLU(), second, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)).eval()


def first_channels(module: nn.Module) -> list[float]:
    layer = module.get_submodule("0")
    assert isinstance(layer, nn.Conv2d)
    return [float(row.mean()) for row in layer.weight.detach()]


def silence(module: nn.Module, ratio: float, layers: Collection[str]) -> int:
    """Zeroes what makes and norms the last channels of every block of every inner group; returns how many groups."""
    silenced = 0

    def look(group: ChannelGroup) -> int:
        nonlocal silenced
        width = group.channels // group.blocks
        gone = {k * width + place for k in range(group.blocks) for place in range(width - int(ratio * width), width)}
        members = [
            (dep.target.name.partition(" (")[0], dep.target.module, dep.handler.__name__, list(dep_indices))
            for dep, dep_indices in group.handle
        ]
        touched = {path for path, layer, _, _ in members if isinstance(layer, nn.Conv2d | nn.Linear)}
        if touched <= set(layers):
            silenced += 1
            for path, layer, handler, indices in members:
                if isinstance(layer, nn.Module) and "out_channels" in handler and hasattr(layer, "weight"):
                    target = module.get_submodule(path)
                    places = [index for k, index in enumerate(indices) if k in gone]
                    target.weight.data[places] = 0  # type: ignore[union-attr, operator, index]
                    if target.bias is not None:
                        target.bias.data[places] = 0  # type: ignore[union-attr, operator, index]
        return group.channels

    resize(module, SIZE, look)
    return silenced


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "mobilenet_v3_small",
        "efficientnet_b0",
        "resnext50_32x4d",
        pytest.param("densenet121", marks=pytest.mark.slow),
    ],
)
def test_silent_channels_can_go_without_a_change(name: str) -> None:
    module = calibrated(name)
    assert silence(module, 0.25, weighted(module)) > 5
    x = torch.randn(2, 3, SIZE, SIZE)
    narrow = prune(module, SIZE, ratio=0.25, importance="l1", layers=weighted(module))
    assert sum(p.numel() for p in narrow.parameters()) < 0.8 * sum(p.numel() for p in module.parameters())
    with torch.no_grad():
        before, after = module(x), narrow(x)
    assert before.abs().max() > 1e-3
    torch.testing.assert_close(after, before, rtol=1e-4, atol=float(1e-4 * before.abs().max()))


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("resnet18", "layer2"),
        pytest.param("densenet121", "features.transition2.conv", marks=pytest.mark.slow),
        ("mobilenet_v3_small", "features.4"),
        ("efficientnet_b0", "features.4.0.block.0"),
        ("vgg11", "features.9"),
    ],
)
@pytest.mark.parametrize("side", ["head", "tail"])
def test_one_side_narrows_and_what_crosses_stays(name: str, cut: str, side: str) -> None:
    module = ghost(name)
    whole = trace(module, SIZE)
    old_cut = find_cut(whole, cut)
    old = split_at(whole, old_cut)
    pruned = old[0] if side == "head" else old[1]
    graph = trace(prune(module, SIZE, ratio=0.5, importance="l1", layers=layers_in(pruned)), SIZE)
    new_cut = find_cut(graph, old_cut.name)
    new = split_at(graph, new_cut)
    assert new_cut.shape == old_cut.shape
    inputs = ((3, SIZE, SIZE), old_cut.shape)
    before, after = (
        [total(operator_costs(part, shape).values()) for part, shape in zip(parts, inputs, strict=True)]
        for parts in (old, new)
    )
    same, fewer = (1, 0) if side == "head" else (0, 1)
    assert after[same] == before[same]
    assert after[fewer].macs < 0.8 * before[fewer].macs
    assert after[fewer].parameters < 0.8 * before[fewer].parameters


def test_a_ratio_is_rounded_down_and_zero_changes_nothing() -> None:
    assert first_channels(prune(chain(), 8, ratio=0.0, importance="l1", layers=["0", "2", "5"])) == [1, 5, 0, 2]
    assert first_channels(prune(chain(), 8, ratio=0.24, importance="l1", layers=["0", "2", "5"])) == [1, 5, 0, 2]
    assert first_channels(prune(chain(), 8, ratio=0.25, importance="l1", layers=["0", "2", "5"])) == [1, 5, 2]
    with pytest.raises(InfeasibleError, match=r"ratio of 0\.99 would leave 2 empty: it has 2 channels"):
        prune(chain(), 8, ratio=0.99, importance="l2", layers=["0", "2", "5"])
    hundred = nn.Sequential(nn.Conv2d(3, 100, 1), nn.Flatten(), nn.Linear(6400, 2)).to("meta")
    narrow = prune(hundred, 8, ratio=0.29, importance="l1", layers=["0", "2"])
    assert narrow.get_parameter("0.weight").shape[0] == 71


@pytest.mark.parametrize(
    ("ratio", "multiple", "staying"),
    [(0.25, 2, [1, 5, 0, 2]), (0.5, 2, [5, 2]), (0.5, 3, [1, 5, 2]), (0.5, 8, [1, 5, 0, 2])],
)
def test_what_stays_is_rounded_up_to_a_multiple_and_at_most_to_all(
    ratio: float, multiple: int, staying: list[float]
) -> None:
    narrow = prune(chain(), 8, ratio=ratio, importance="l1", layers=["0", "2"], multiple=multiple)
    assert first_channels(narrow) == staying
    # Of the other group 1 of 2 channels would leave: only one by one.
    by_threshold = prune(chain(), 8, threshold=1.01, importance="l1", layers=["0", "2"], multiple=multiple)
    assert len(first_channels(by_threshold)) == min(4, multiple)


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "resnext50_32x4d", "densenet121"])
def test_every_pruned_layer_keeps_a_multiple(name: str) -> None:
    before, layers = ghost(name), weighted(ghost(name))
    after = prune(before, SIZE, ratio=0.3, importance="l1", layers=layers, multiple=8)
    changed = 0
    for path, layer in before.named_modules():
        if isinstance(layer, nn.Conv2d):
            narrow = after.get_submodule(path)
            assert isinstance(narrow, nn.Conv2d)
            changed += narrow.out_channels < layer.out_channels
            assert narrow.out_channels % 8 == 0 or narrow.out_channels == layer.out_channels
    assert changed > 10


# The mean of 1, 2.5, 4 and 8.5 is 4: relative to it 0.25, 0.625, 1 and 2.125.
@pytest.mark.parametrize(
    ("threshold", "staying"),
    [(0.0, [1, 5, 0, 2]), (0.25, [1, 5, 0, 2]), (0.26, [1, 5, 2]), (0.7, [5, 2]), (1.0, [5, 2]), (1.01, [5])],
)
def test_a_threshold_is_over_the_mean_of_the_group(threshold: float, staying: list[float]) -> None:
    narrow = prune(chain(), 8, threshold=threshold, importance="l1", layers=["0", "2"])
    assert first_channels(narrow) == staying
    assert narrow.get_submodule("2").in_channels == len(staying)


def test_one_channel_must_stay() -> None:
    with pytest.raises(
        InfeasibleError, match=r"a threshold of 2.2 would leave 0 without channels.*2.12 times the mean"
    ):
        prune(chain(), 8, threshold=2.2, importance="l1", layers=["0", "2"])


def test_equal_channels_all_stay() -> None:
    silent = chain()
    for parameter in silent.parameters():
        parameter.data.zero_()
    assert len(first_channels(prune(silent, 8, threshold=1.0, importance="l1", layers=["0", "2"]))) == 4


def test_taylor_reads_the_gradients() -> None:
    network = chain()
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    # |weight x gradient|: the channel of weight 5 counts least, since the loss does not feel it.
    network.get_parameter("0.weight").grad = torch.tensor([3.0, 0.1, 9.0, 2.0]).reshape(4, 1, 1, 1).expand(4, 3, 1, 1)
    assert first_channels(prune(network, 8, ratio=0.5, importance="taylor", layers=["0", "2"])) == [1, 2]


def test_taylor_without_gradients_is_refused() -> None:
    with pytest.raises(UserError, match="importance taylor needs gradients and 0 has none; run the loss backward"):
        prune(chain(), 8, ratio=0.5, importance="taylor", layers=["0", "2"])


def test_taylor_after_a_backward_run() -> None:
    torch.manual_seed(0)
    module = get_model("resnet18", weights=None).eval()
    module(torch.randn(1, 3, SIZE, SIZE)).logsumexp(1).sum().backward()
    narrow = prune(module, SIZE, ratio=0.5, importance="taylor", layers=weighted(module))
    assert narrow.get_submodule("layer4.1.conv1").out_channels == 256


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_bn_reads_the_scales_and_is_refused_without_them(device: str) -> None:
    layers = [*chain()]
    scaled = nn.Sequential(layers[0], nn.BatchNorm2d(4), *layers[2:]).eval()
    with torch.no_grad():
        scaled.get_parameter("1.weight").copy_(torch.tensor([4.0, 1.0, 3.0, 2.0]))
    narrow = prune(scaled.to(device), 8, ratio=0.5, importance="bn", layers=["0"])
    assert narrow.get_parameter("0.weight").shape[0] == 4  # layer 2 reads the channels and is none of those given
    narrow = prune(scaled.to(device), 8, ratio=0.5, importance="bn", layers=["0", "2"])
    if device == "cpu":
        assert first_channels(narrow) == [1, 0]
    with pytest.raises(InfeasibleError, match="no batch norm with scales follows 2; choose another importance"):
        prune(scaled.to(device), 8, ratio=0.5, importance="bn", layers=["0", "2", "5"])


def test_the_meta_device_keeps_the_first_channels_and_knows_no_threshold() -> None:
    network = chain().to("meta")
    for importance in set(IMPORTANCES) - {"bn"}:
        narrow = prune(network, 8, ratio=0.5, importance=importance, layers=["0", "2"])
        assert narrow.get_parameter("0.weight").shape == (2, 3, 1, 1)
    with pytest.raises(UserError, match="a network on the meta device has none"):
        prune(network, 8, threshold=0.5, importance="l1", layers=["0", "2"])


def test_costs_on_the_meta_device_are_those_of_the_real_network() -> None:
    module = get_model("mobilenet_v3_small", weights=None).eval()
    real = prune(module, SIZE, ratio=0.3, importance="l2", layers=weighted(module))
    ghost = prune(module.to("meta"), SIZE, ratio=0.3, importance="l2", layers=weighted(module))
    assert [p.shape for p in real.parameters()] == [p.shape for p in ghost.parameters()]


def test_a_network_that_cannot_be_followed_is_infeasible() -> None:
    module = ghost("shufflenet_v2_x1_0")
    with pytest.raises(InfeasibleError, match="ShuffleNetV2 cannot be followed"):
        prune(module, SIZE, ratio=0.5, importance="l1", layers=weighted(module))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ratio": 1.0}, r"ratio of 1.0 is out of range; it must lie in \[0, 1\)"),
        ({"ratio": -0.1}, "ratio of -0.1"),
        ({"ratio": float("nan")}, "ratio of nan"),
        ({"threshold": -1.0}, "threshold of -1.0 is out of range"),
        ({"threshold": float("inf")}, "threshold of inf"),
        ({}, "either a ratio or a threshold"),
        ({"ratio": 0.1, "threshold": 0.1}, "either a ratio or a threshold"),
    ],
)
def test_wrong_values_are_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        prune(chain(), 8, importance="l1", layers=[], **arguments)


def test_an_unknown_importance_names_the_nearest() -> None:
    with pytest.raises(UserError, match="unknown importance 'tailor'; did you mean 'taylor'"):
        prune(chain(), 8, ratio=0.5, importance="tailor", layers=[])


def test_layers_of_the_sides_are_all_layers() -> None:
    module = get_model("resnet18", weights=None)
    graph = trace(module, SIZE)
    head, tail = split_at(graph, find_cut(graph, "layer2"))
    assert layers_in(head) | layers_in(tail) == set(weighted(module))
    assert layers_in(head) & layers_in(tail) == set()
    assert layers_in(head) == {path for path in weighted(module) if path.startswith(("conv1", "layer1", "layer2"))}


@pytest.mark.parametrize("name", ["vit_b_32", "swin_t"])
def test_layers_inside_attention_count(name: str) -> None:
    module = ghost(name)
    assert layers_in(trace(module, 224).module) == set(weighted(module))
