"""Shrinking: EdgeCompress's counts and MACs, names and weights that survive, and every family of torchvision."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision import models
from torchvision.models.resnet import Bottleneck, ResNet

from splitsearch.profilers.counting.operators import operator_costs, total
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.variants.blocks import find_stages
from splitsearch.spaces.variants.shrinking import shrink, shrunk_image_size

FAMILIES = ("resnet", "wide_resnet", "resnext", "regnet", "mobilenet", "mnasnet", "efficientnet")
BLOCKLESS = ("vgg11", "alexnet", "densenet121")


def ghost(name: str) -> nn.Module:
    # RegNet computes its widths with tensors, which must have values.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        module: nn.Module = models.get_model(name, weights=None)
    return module.to("meta").eval()


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(value.shape) for value in module.state_dict().values()]


# EdgeCompress's table: depth, width, image side in pixels, GMACs with the 0.09 of its crop predictor.
@pytest.mark.parametrize(
    ("depth", "width", "side", "gmacs"),
    [
        (0.8, 0.50, 184, 1.20),
        (0.8, 0.50, 192, 1.25),
        (0.9, 0.55, 208, 1.83),
        (1.0, 0.60, 224, 2.39),
        (1.0, 0.80, 224, 3.22),
        (1.0, 1.00, 224, 4.18),
    ],
)
def test_edgecompress_resnet50_costs_what_is_published(depth: float, width: float, side: int, gmacs: float) -> None:
    small = shrink("resnet50", ghost("resnet50"), side, depth=depth, width=width)
    found = total(operator_costs(trace(small, side).module, (3, side, side)).values())
    assert found.macs / 1e9 == pytest.approx(gmacs - 0.09, rel=0.01)


# Smart Scissor's table, millions with the 0.27 of the crop predictor.
@pytest.mark.parametrize(
    ("depth", "width", "millions"), [(0.8, 0.50, 11.7), (0.9, 0.55, 13.5), (1.0, 0.60, 15.4), (1.0, 0.80, 20.3)]
)
def test_edgecompress_resnet50_has_the_published_parameters(depth: float, width: float, millions: float) -> None:
    small = shrink("resnet50", ghost("resnet50"), 224, depth=depth, width=width)
    assert parameters(small) / 1e6 == pytest.approx(millions - 0.27, rel=0.01)


@pytest.mark.parametrize(
    ("depth", "blocks", "width", "inner"),
    [
        (1.0, [3, 4, 6, 3], 0.01, 4),
        (0.9, [3, 4, 5, 3], 0.55, 36),
        (0.8, [3, 3, 4, 3], 0.50, 32),
        (0.7, [2, 3, 4, 2], 0.60, 40),
        (0.6, [2, 3, 3, 2], 1.00, 64),
        (0.5, [2, 2, 2, 2], 0.80, 52),
        (0.4, [1, 2, 2, 1], 0.30, 20),
        (0.3, [1, 1, 2, 1], 0.99, 64),
    ],
)
def test_a_small_resnet50_is_the_one_that_torchvision_would_build(
    depth: float, blocks: list[int], width: float, inner: int
) -> None:
    small = shrink("resnet50", ghost("resnet50"), 64, depth=depth, width=width)
    with torch.device("meta"):
        built = ResNet(Bottleneck, blocks, width_per_group=inner)
    assert shapes(small) == shapes(built)


@pytest.mark.parametrize(
    ("name", "layers", "arguments"),
    [
        ("wide_resnet50_2", [3, 4, 6, 3], {"width_per_group": 72}),  # 128 x 0.55 is 70.4
        ("resnext50_32x4d", [3, 4, 6, 3], {"groups": 32, "width_per_group": 2}),
    ],
)
def test_wide_and_grouped_resnets_are_those_that_torchvision_would_build(
    name: str, layers: list[int], arguments: dict[str, int]
) -> None:
    with torch.device("meta"):
        built = ResNet(Bottleneck, layers, **arguments)  # type: ignore[arg-type]
    assert shapes(shrink(name, ghost(name), 64, width=0.55)) == shapes(built)


@pytest.mark.parametrize(
    ("depth", "blocks"),
    [(0.9, (2, 4, 8, 2)), (0.8, (2, 3, 7, 2)), (0.7, (2, 3, 6, 2)), (0.6, (2, 2, 5, 2)), (0.5, (1, 2, 5, 1))],
)
def test_edgecompress_regnet_keeps_the_listed_blocks(depth: float, blocks: tuple[int, ...]) -> None:
    small = shrink("regnet_x_1_6gf", ghost("regnet_x_1_6gf"), 64, depth=depth)
    assert tuple(len(stage.blocks) for stage in find_stages(small, 64)) == blocks


def test_other_networks_round_the_share_of_each_stage() -> None:
    small = shrink("resnet101", ghost("resnet101"), 64, depth=0.3)  # of 3, 4, 23 and 3
    assert [len(stage.blocks) for stage in find_stages(small, 64)] == [1, 1, 7, 1]
    assert [len(stage.blocks) for stage in find_stages(shrink("resnet18", ghost("resnet18"), 64, depth=0.01), 64)] == [
        1
    ] * 4


def test_survivors_keep_their_paths_and_weights_and_leave_from_the_middle() -> None:
    torch.manual_seed(0)
    whole = models.get_model("resnet50", weights=None).eval()
    small = shrink("resnet50", whole, 64, depth=0.5)
    assert [*dict(small.layer3.named_children())] == ["0", "5"]  # type: ignore[union-attr, operator]
    state = whole.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in small.state_dict().items())
    assert len(whole.layer3) == 6  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "efficientnet_b0", "regnet_y_400mf"])
def test_cuts_that_survive_have_the_name_and_shape_that_they_had(name: str) -> None:
    before = trace(ghost(name), 64)
    after = trace(shrink(name, ghost(name), 64, depth=0.5, width=0.5), 64)
    old = {cut.name: cut.shape for cut in find_cuts(before, "all")}
    new = {cut.name: cut.shape for cut in find_cuts(after, "all")}
    assert set(after.paths.values()) < set(before.paths.values())
    # A block without a shortcut can be cut inside, where it is narrower now.
    at_block_ends = {cut for cut in new if ".conv." not in cut and ".block." not in cut}
    assert len(at_block_ends) >= 5
    assert {cut: new[cut] for cut in at_block_ends} == {cut: old[cut] for cut in at_block_ends}


def test_the_last_block_of_a_stage_stays_when_two_do() -> None:
    before, after = ghost("resnet50"), shrink("resnet50", ghost("resnet50"), 64, depth=0.5)
    ends = [[cut.name for cut in find_cuts(trace(module, 64), "stages")] for module in (before, after)]
    assert ends[0] == ends[1]


def test_silent_inner_channels_are_those_that_go() -> None:
    torch.manual_seed(0)
    whole = models.get_model("resnet18", weights=None).eval()
    blocks = [block for k in range(1, 5) for block in whole.get_submodule(f"layer{k}")]  # type: ignore[union-attr]
    with torch.no_grad():
        for block in blocks:
            half = block.conv1.out_channels // 2
            for silent in (block.conv1.weight, block.bn1.weight, block.bn1.bias):
                silent[:half] = 0
    small = shrink("resnet18", whole, 64, width=0.5)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(small(x), whole(x), rtol=1e-4, atol=1e-5)
    assert small.get_submodule("layer2.1.conv1").out_channels == 64
    assert small.get_submodule("layer2.1.conv2").out_channels == 128


@pytest.mark.parametrize("name", ["regnet_x_1_6gf", "resnext50_32x4d"])
@pytest.mark.parametrize("width", [0.3, 0.5, 0.7])
def test_grouped_convolutions_keep_their_groups(name: str, width: float) -> None:
    before, after = ghost(name), shrink(name, ghost(name), 64, width=width)
    for path, layer in before.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            narrow = after.get_submodule(path)
            assert narrow.groups == layer.groups
            assert int(narrow.out_channels) % 4 == 0  # type: ignore[arg-type]
            assert abs(int(narrow.out_channels) - width * layer.out_channels) <= 2 * layer.groups  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_large", "mnasnet1_0", "efficientnet_b0"])
def test_eights_where_the_family_uses_eights(name: str) -> None:
    before, after = ghost(name), shrink(name, ghost(name), 64, width=0.55)
    pairs = [
        (layer.out_channels, after.get_submodule(path).out_channels)
        for path, layer in before.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
    changed = [(old, new) for old, new in pairs if old != new]
    assert changed
    assert all(int(new) % 8 == 0 and abs(int(new) - 0.55 * old) <= 4 for old, new in changed if old > 8)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BLOCKLESS)
def test_networks_without_removable_blocks_say_so(name: str) -> None:
    with pytest.raises(InfeasibleError, match=f"{name} has no stage of repeated blocks .* for depth 0.5"):
        shrink(name, ghost(name), 64, depth=0.5)


def test_a_network_without_blocks_narrows_everywhere_but_in_its_logits() -> None:
    small = shrink("vgg11", ghost("vgg11"), 64, width=0.5)
    widths = [layer.out_channels for layer in small.modules() if isinstance(layer, nn.Conv2d)]
    assert widths == [32, 64, 128, 128, 256, 256, 256, 256]
    linear = [(layer.in_features, layer.out_features) for layer in small.modules() if isinstance(layer, nn.Linear)]
    assert linear == [(256 * 49, 2048), (2048, 2048), (2048, 1000)]


@pytest.mark.slow
def test_a_network_with_blocks_keeps_what_they_yield() -> None:
    small = shrink("densenet121", ghost("densenet121"), 64, width=0.5)
    layer = small.get_submodule("features.denseblock1.denselayer1")
    assert layer.get_parameter("conv1.weight").shape == (64, 64, 1, 1)
    assert layer.get_parameter("conv2.weight").shape == (32, 64, 3, 3)


def test_at_one_nothing_changes_and_it_is_a_copy() -> None:
    whole = models.get_model("resnet18", weights=None).eval()
    same = shrink("resnet18", whole, 64)
    assert same is not whole
    assert shapes(same) == shapes(whole)


@pytest.mark.parametrize("value", [0.0, -0.5, 1.01, float("nan")])
def test_factors_outside_of_their_range_are_named(value: float) -> None:
    with pytest.raises(UserError, match=r"a depth of .* is out of range; it must lie in \(0, 1\]"):
        shrink("resnet18", ghost("resnet18"), 64, depth=value)
    with pytest.raises(UserError, match="a width of"):
        shrink("resnet18", ghost("resnet18"), 64, width=value)
    with pytest.raises(UserError, match="a resolution of"):
        shrunk_image_size(224, value)


@pytest.mark.parametrize(
    ("size", "resolution", "side"),
    [(224, 0.82, 184), (224, 0.857, 192), (224, 0.93, 208), (224, 1.0, 224), (225, 1.0, 225), (32, 0.05, 4)],
)
def test_sides_of_smaller_images(size: int, resolution: float, side: int) -> None:
    assert shrunk_image_size(size, resolution) == side


@given(st.integers(8, 1024), st.floats(0.05, 0.999))
def test_smaller_images_are_multiples_of_four_near_the_factor(size: int, resolution: float) -> None:
    side = shrunk_image_size(size, resolution)
    assert side % 4 == 0
    assert side == 4 or abs(side - size * resolution) <= 2


def shrunk(name: str) -> tuple[nn.Module, nn.Module]:
    whole = ghost(name)
    small = shrink(name, whole, 64, depth=0.7, width=0.5)
    assert parameters(small) < parameters(whole)
    graph = trace(small, 64)
    assert graph.shapes[graph.output.name] == (1000,)
    return whole, small


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "regnet_y_400mf", "mobilenet_v3_small", "mnasnet0_5"])
def test_families_shrink_and_trace(name: str) -> None:
    whole, small = shrunk(name)
    macs = [total(operator_costs(trace(module, 64).module, (3, 64, 64)).values()).macs for module in (whole, small)]
    assert macs[1] < 0.85 * macs[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in models.list_models(module=models) if name.startswith(FAMILIES)])
def test_every_network_of_the_families_shrinks_and_traces(name: str) -> None:
    shrunk(name)
