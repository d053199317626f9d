"""Width division: the published integers, sizes and costs; graphs that keep their names; weights of one's own."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from splitsearch.spaces.backbones.cifar import CifarResNet, CifarResNeXt, CifarWideResNet
from splitsearch.spaces.backbones.deep_stem import (
    DeepStemResNet,
    deep_resnext101_64x4d,
    deep_wide_resnet50_2,
    deep_wide_resnet50_3,
)
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.variants.division import (
    DIVISIONS,
    DROPOUT_RULES,
    WEIGHT_DECAY_RULES,
    divide,
    divided_dropout,
    divided_weight_decay,
    divided_widen,
    divided_width,
    fresh_weights,
)

SIZES = {"inception_v3": 299}
WITHOUT_AUXILIARY = ("googlenet", "inception_v3")


def meta(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build().eval()


def classifier(name: str) -> nn.Module:
    extra = {"aux_logits": False, "init_weights": False} if name in WITHOUT_AUXILIARY else {}

    def build() -> nn.Module:
        return models.get_model(name, weights=None, **extra)

    # The constructor of regnets computes with tensors, which the meta device cannot.
    return build().to("meta").eval() if name.startswith("regnet") else meta(build)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def convolved(module: nn.Module) -> list[int]:
    return [layer.out_channels for layer in module.modules() if isinstance(layer, nn.Conv2d)]


def nodes(module: nn.Module) -> list[tuple[str, object]]:
    return [(node.name, node.target) for node in torch.fx.symbolic_trace(module).graph.nodes]


def macs(module: nn.Module, size: int) -> int:
    """Multiply-adds with two for every number that a batch norm gives: so the published costs are counted."""
    graph = trace(module, size)
    layers = dict(graph.module.named_modules())
    found = 0
    for node in graph:
        layer = layers.get(str(node.target)) if node.op == "call_module" else None
        made = math.prod(graph.shapes.get(node.name, ()))
        if isinstance(layer, nn.Conv2d):
            found += made * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
        elif isinstance(layer, nn.Linear):
            found += made * layer.in_features
        elif isinstance(layer, nn.BatchNorm2d):
            found += made * 2
    return found


# SplitNet, Tables II and IV: millions of parameters and GFLOPs (of one MAC each) of all members together.
PUBLISHED: list[tuple[str, Callable[[], nn.Module], int, dict[int, tuple[float, float]]]] = [
    ("resnet110", lambda: CifarResNet(110, bottleneck=True), 32, {1: (1.17, 0.17), 2: (1.33, 0.20), 4: (1.21, 0.18)}),
    ("resnet164", lambda: CifarResNet(164, bottleneck=True), 32, {1: (1.73, 0.25), 2: (1.96, 0.29), 4: (1.78, 0.26)}),
    ("wrn_16_8", lambda: CifarWideResNet(16, 8), 32, {1: (11.0, 1.55), 2: (12.4, 1.75), 4: (11.1, 1.58)}),
    ("wrn_28_10", lambda: CifarWideResNet(28, 10), 32, {1: (36.5, 5.25), 2: (35.8, 5.16), 4: (36.7, 5.28)}),
    ("wrn_40_10", lambda: CifarWideResNet(40, 10), 32, {1: (55.9, 8.08), 2: (54.8, 7.94), 4: (56.0, 8.12)}),
    ("resnext29_8x64d", lambda: CifarResNeXt(8, 64), 32, {1: (34.5, 5.41), 2: (35.4, 5.50), 4: (36.9, 5.67)}),
    ("resnext101_64x4d", deep_resnext101_64x4d, 224, {1: (83.6, 16.9), 2: (88.6, 18.8)}),
    ("wrn_50_2", deep_wide_resnet50_2, 224, {1: (68.9, 12.8), 2: (51.4, 10.9)}),
    ("wrn_50_3", deep_wide_resnet50_3, 224, {1: (135.0, 23.8), 2: (138.0, 25.6)}),
]


@pytest.mark.parametrize(("name", "build", "size", "published"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_members_together_cost_what_is_published(
    name: str, build: Callable[[], nn.Module], size: int, published: dict[int, tuple[float, float]]
) -> None:
    whole = meta(build)
    for nets, (millions, gigamacs) in published.items():
        member = divide(name, whole, size, nets)
        assert nets * parameters(member) / 1e6 == pytest.approx(millions, rel=0.004), nets
        # One unit of the last digit that is printed, where that is more than one per cent.
        unit = 0.1 if gigamacs >= 10 else 0.01
        assert nets * macs(member, size) / 1e9 == pytest.approx(gigamacs, rel=0.01, abs=0.6 * unit), nets


@pytest.mark.parametrize(("nets", "base", "planes"), [(1, 16, 64), (2, 12, 44), (4, 8, 32), (8, 6, 24)])
def test_base_planes_of_resnets(nets: int, base: int, planes: int) -> None:
    small = divide("own", meta(lambda: CifarResNet(8)), 32, nets)
    assert sorted(set(convolved(small))) == [base, 2 * base, 4 * base]
    for name in ("resnet18", "resnet50"):
        member = divide(name, classifier(name), 64, nets)
        expected = [width * planes // 64 for width in convolved(classifier(name))]
        assert convolved(member) == expected
        assert member.get_submodule("fc").weight.shape[0] == 1000


def test_a_deep_stem_is_twice_the_planes() -> None:
    whole = meta(lambda: DeepStemResNet(BasicBlock, [1, 1, 1, 1]))
    member = divide("own", whole, 64, 2)
    assert isinstance(member, DeepStemResNet)
    assert convolved(member)[:3] == [44, 44, 88]


@pytest.mark.parametrize(
    ("widen", "expected"), [(8, (8, 6, 4, 3)), (10, (10, 7, 5, 3)), (12, (12, 8, 6, 4)), (1, (1, 1, 1, 1))]
)
def test_widening_factors(widen: int, expected: tuple[int, ...]) -> None:
    assert tuple(divided_widen(widen, nets) for nets in DIVISIONS) == expected
    member = divide("own", meta(lambda: CifarWideResNet(10, widen)), 32, 4)
    assert convolved(member)[0] == 16
    assert convolved(member)[-1] == 64 * expected[2]


@pytest.mark.parametrize("nets", [2, 4, 8])
def test_groups_are_shared_and_outer_widths_stay(nets: int) -> None:
    member = divide("own", meta(lambda: CifarResNeXt(8, 4, depth=11)), 32, nets)
    conv = member.get_submodule("layer3.0.conv2.0")
    assert isinstance(conv, nn.Conv2d)
    assert (conv.groups, conv.weight.shape) == (8 // nets, (128 // nets, 16, 3, 3))
    assert member.get_submodule("fc").weight.shape == (100, 1024)


def test_groups_that_do_not_divide_are_named() -> None:
    six = meta(lambda: CifarResNeXt(6, 4, depth=11))
    with pytest.raises(InfeasibleError, match="own cannot be divided into 4 networks: 6 groups cannot be dealt out"):
        divide("own", six, 32, 4)
    whole = meta(lambda: ResNet(Bottleneck, [1, 1, 1, 1], groups=6))
    with pytest.raises(InfeasibleError, match="6 groups"):
        divide("own", whole, 64, 4)


def test_the_general_rule_for_a_network_of_ones_own(network: nn.Module) -> None:
    before = [layer.weight.clone() for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    member = divide("net.py:make", network, 32, 4)
    assert convolved(member) == [4, 8, 8]
    assert member(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    after = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@given(st.integers(1, 4096), st.sampled_from(DIVISIONS))
def test_general_widths(channels: int, nets: int) -> None:
    width = divided_width(channels, nets)
    assert 1 <= width <= channels
    if channels >= 8:
        assert abs(width - channels / math.sqrt(nets)) <= 2 or width == 4
    if nets == 1 and channels % 4 == 0:
        assert width == channels


def test_general_widths_of_grouped_layers_are_multiples_of_the_groups() -> None:
    assert divided_width(168, 2, blocks=7) == 119
    assert divided_width(24, 8, blocks=24) == 24


def test_one_network_is_a_copy(network: nn.Module) -> None:
    same = divide("own", network, 32, 1)
    assert same is not network
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(same(x), network(x))


def test_other_divisions_are_refused(network: nn.Module) -> None:
    with pytest.raises(UserError, match="no division into 3 networks; known: 1, 2, 4, 8"):
        divide("own", network, 32, 3)


# One of each family: the members of a family differ in depth and width alone, and each is divided into four.
FAMILIES = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3",
    "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18",
    "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_32",
    "wide_resnet50_2",
]  # fmt: skip
FAST = ["resnet18", "densenet121", "efficientnet_b0", "mobilenet_v3_small", "shufflenet_v2_x0_5", "vit_b_32", "swin_t"]


def check(name: str, nets: int) -> float:
    """Divides a torchvision classifier; returns the parameters of all members over those of the whole."""
    whole, size = classifier(name), SIZES.get(name, 224)
    member = divide(name, whole, size, nets)
    assert member(torch.empty(1, 3, size, size, device="meta")).shape == (1, 1000)
    assert nodes(member) == nodes(whole)
    return nets * parameters(member) / parameters(whole)


@pytest.mark.parametrize("name", FAST)
def test_classifiers_keep_the_names_of_their_nodes(name: str) -> None:
    assert 0.85 < check(name, 2) < 1.35


@pytest.mark.slow
@pytest.mark.parametrize("name", models.list_models(module=models))
def test_every_classifier_can_be_divided(name: str) -> None:
    # Far from 1: small networks, whose classifiers every member has in full.
    assert 0.5 < check(name, 4) < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_divided_by_every_number(name: str) -> None:
    # Far from 1: wide ResNets, published at 0.74 for two.
    assert 0.7 < check(name, 2) < 1.32
    assert 0.5 < check(name, 8) < 2.5


@pytest.mark.parametrize("build", [lambda: CifarResNet(8), lambda: CifarWideResNet(10, 2), lambda: CifarResNeXt(8, 4)])
def test_cifar_networks_keep_the_names_of_their_nodes(build: Callable[[], nn.Module]) -> None:
    whole = meta(build)
    for nets in DIVISIONS:
        assert nodes(divide("own", whole, 32, nets)) == nodes(whole)


def different(one: nn.Module, other: nn.Module) -> list[str]:
    theirs = dict(other.named_parameters())
    return [name for name, value in one.named_parameters() if not torch.equal(value, theirs[name])]


def test_fresh_weights_are_a_matter_of_the_seed_alone(network: nn.Module) -> None:
    one, two, again = (divide("own", network, 32, 2) for _ in range(3))
    state = torch.random.get_rng_state()
    fresh_weights(one, 1)
    fresh_weights(two, 2)
    torch.rand(5)
    torch.random.set_rng_state(state)
    fresh_weights(again, 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not different(one, again)
    assert {"0.0.weight", "1.0.weight", "2.0.weight", "5.weight", "5.bias"} == set(different(one, two))


def test_convolutions_start_after_he() -> None:
    module = nn.Sequential(nn.Conv2d(64, 256, 3, groups=4), nn.BatchNorm2d(256))
    with torch.no_grad():
        module[1].weight.fill_(3.0)
        module[1].running_mean.fill_(3.0)  # type: ignore[union-attr, operator]
    fresh_weights(module, 0)
    assert module[0].weight.std().item() == pytest.approx(math.sqrt(2 / (16 * 9)), rel=0.02)
    assert module[0].bias.abs().max() == 0
    assert module[1].weight.unique().tolist() == [1.0]
    assert module[1].running_mean.unique().tolist() == [0.0]  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("name", ["swin_v2", "vit", "convnext", "maxvit"])
def test_traced_networks_are_drawn_anew_as_a_whole(name: str) -> None:
    """Trained values of every parameter vanish, also of those that a trace tears from their layers."""
    module = trace(tiny(name), 64).module
    for parameter in module.parameters():
        nn.init.constant_(parameter, 7.0)
    fresh_weights(module, 0)
    for path, parameter in module.named_parameters():
        assert not (parameter == 7.0).any(), path
    assert torch.isfinite(module(torch.randn(2, 3, 64, 64))).all()


def tiny(name: str) -> nn.Module:
    from torchvision.models import convnext, maxvit, swin_transformer, vision_transformer

    if name == "vit":
        return vision_transformer.VisionTransformer(64, 16, 1, 2, 16, 32, num_classes=5)
    if name == "convnext":
        blocks = [convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, None, 1)]
        return convnext.ConvNeXt(blocks, num_classes=5)
    if name == "maxvit":
        return maxvit.MaxVit((64, 64), 8, 2, [8, 16], [1, 1], 4, 0.1, num_classes=5)
    return swin_transformer.SwinTransformer(
        [4, 4], 8, [1, 1], [2, 4], [4, 4], num_classes=5,
        block=swin_transformer.SwinTransformerBlockV2, downsample_layer=swin_transformer.PatchMergingV2,
    )  # fmt: skip


def test_weights_need_values() -> None:
    with pytest.raises(UserError, match="meta device"):
        fresh_weights(meta(lambda: nn.Linear(2, 2)), 0)


@pytest.mark.parametrize(("nets", "factor"), [(1, 1.0), (2, 0.6065), (4, 0.4724), (8, 0.4169)])
def test_weight_decay(nets: int, factor: float) -> None:
    assert divided_weight_decay(5e-4, nets, "exp") == pytest.approx(5e-4 * factor, rel=1e-4)
    assert divided_weight_decay(5e-4, nets, "linear") == 5e-4 / nets
    assert divided_weight_decay(5e-4, nets, "none") == 5e-4


def test_dropout() -> None:
    assert [divided_dropout(0.2, 4, rule) for rule in DROPOUT_RULES] == [0.05, 0.1, 0.2]


def test_unknown_rules_name_the_nearest() -> None:
    with pytest.raises(UserError, match="unknown weight decay rule 'expo'; did you mean 'exp'"):
        divided_weight_decay(1e-4, 2, "expo")
    with pytest.raises(UserError, match="unknown dropout rule"):
        divided_dropout(0.1, 2, "square")
    with pytest.raises(UserError, match="no division into 0"):
        divided_dropout(0.1, 0, "none")
    assert set(WEIGHT_DECAY_RULES) == {"exp", "linear", "none"}
