"""Networks built again: the same family and graph, fewer channels, every other argument kept."""

import pytest
import torch
from torch import fx, nn
from torchvision.models import ResNet, get_model
from torchvision.models.resnet import Bottleneck

from splitsearch.spaces.backbones.deep_stem import DeepStemResNet
from splitsearch.spaces.backbones.rebuild import groups_each, is_plain_resnet, rebuild, rebuild_groups
from splitsearch.spaces.errors import InfeasibleError

FAMILIES = ["shufflenet_v2_x1_0", "swin_t", "swin_v2_t", "vit_b_32", "maxvit_t"]


def meta(name: str, classes: int = 1000) -> nn.Module:
    with torch.device("meta"):
        return get_model(name, weights=None, num_classes=classes).eval()


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def settings(module: nn.Module) -> list[str]:
    """What layers say of themselves without their widths: dropout rates, strides, window sizes."""
    kinds = (nn.Dropout, nn.LayerNorm, nn.BatchNorm2d)
    said = [
        f"{type(layer).__name__} {getattr(layer, 'eps', '')} {getattr(layer, 'momentum', '')} {getattr(layer, 'p', '')}"
        for layer in module.modules()
        if isinstance(layer, kinds) or type(layer).__name__ == "StochasticDepth"
    ]
    return said + [str(layer.stride) for layer in module.modules() if isinstance(layer, nn.Conv2d)]


@pytest.mark.parametrize("name", FAMILIES)
def test_factor_one_gives_the_same_network(name: str) -> None:
    module = meta(name, classes=11)
    same = rebuild(module, 1.0)
    assert same is not None
    assert type(same) is type(module)
    assert shapes(same) == shapes(module)
    assert settings(same) == settings(module)


@pytest.mark.parametrize("name", FAMILIES)
def test_half_the_channels_are_a_quarter_of_the_parameters_and_the_same_graph(name: str) -> None:
    module = meta(name)
    half = rebuild(module, 0.5)
    assert half is not None
    assert half.training is False
    assert all(parameter.is_meta for parameter in half.parameters())
    sizes = [sum(p.numel() for p in m.parameters()) for m in (half, module)]
    assert 0.2 < sizes[0] / sizes[1] < 0.46  # swin_t has three heads and can have two; classifiers shrink by half only
    graphs = [fx.symbolic_trace(m).graph for m in (half, module)]
    names = [[(node.name, str(node.target)) for node in graph.nodes if node.op != "call_function"] for graph in graphs]
    assert names[0] == names[1]
    assert half(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)


@pytest.mark.parametrize(
    ("name", "factor", "path", "shape"),
    [
        ("swin_t", 0.7071, "features.0.0.weight", (64, 3, 4, 4)),
        ("swin_b", 0.7071, "features.0.0.weight", (96, 3, 4, 4)),
        ("vit_b_16", 0.7071, "class_token", (1, 1, 512)),
        ("vit_b_16", 0.7071, "encoder.layers.encoder_layer_0.mlp.0.weight", (2048, 512)),
        ("maxvit_t", 0.7071, "stem.0.0.weight", (44, 3, 3, 3)),
        ("maxvit_t", 0.7071, "classifier.3.weight", (352, 352)),
        ("shufflenet_v2_x1_0", 0.5, "conv5.0.weight", (512, 232, 1, 1)),
    ],
)
def test_widths(name: str, factor: float, path: str, shape: tuple[int, ...]) -> None:
    narrow = rebuild(meta(name), factor)
    assert narrow is not None
    assert shapes(narrow)[path] == shape


def test_never_without_a_head() -> None:
    narrow = rebuild(meta("swin_t"), 0.01)
    assert narrow is not None
    assert shapes(narrow)["features.0.0.weight"] == (32, 3, 4, 4)


def test_other_families_and_subclasses_are_left_to_others() -> None:
    class Own(type(meta("shufflenet_v2_x0_5"))):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__([1, 1, 1], [4, 8, 16, 32, 64])

    assert rebuild(meta("resnet18"), 0.5) is None
    assert rebuild(Own(), 0.5) is None
    assert rebuild_groups(meta("vgg11"), 2) is None
    assert rebuild_groups(meta("resnet18"), 2) is None


@pytest.mark.parametrize("name", ["resnext50_32x4d", "wide_resnet50_2"])
def test_one_network_is_the_whole(name: str) -> None:
    module = meta(name, classes=9)
    same = rebuild_groups(module, 1)
    assert same is not None
    assert shapes(same) == shapes(module)
    assert settings(same) == settings(module)


def test_groups_are_dealt_out_and_outer_widths_stay() -> None:
    narrow = rebuild_groups(meta("resnext50_32x4d"), 4)
    assert narrow is not None
    conv = narrow.get_submodule("layer1.0.conv2")
    assert isinstance(conv, nn.Conv2d)
    assert (conv.groups, conv.weight.shape) == (8, (32, 4, 3, 3))
    assert shapes(narrow)["layer4.2.conv3.weight"] == (2048, 256, 1, 1)


@pytest.mark.parametrize(("base", "nets", "expected"), [(128, 2, 64), (128, 4, 64), (128, 8, 44), (192, 2, 128)])
def test_inner_widths_of_wide_resnets(base: int, nets: int, expected: int) -> None:
    with torch.device("meta"):
        module = DeepStemResNet(Bottleneck, [1, 1, 1, 1], width_per_group=base)
    narrow = rebuild_groups(module, nets)
    assert type(narrow) is DeepStemResNet
    assert shapes(narrow)["layer1.0.conv2.weight"] == (expected, expected, 3, 3)
    assert shapes(narrow)["layer1.0.conv3.weight"] == (256, expected, 1, 1)


def test_dilation_in_place_of_strides_is_kept() -> None:
    options = [False, True, True]
    module = ResNet(Bottleneck, [2, 2, 2, 2], groups=2, width_per_group=4, replace_stride_with_dilation=options)
    narrow = rebuild_groups(module, 2)
    assert narrow is not None
    dilations = [[layer.dilation for layer in m.modules() if isinstance(layer, nn.Conv2d)] for m in (module, narrow)]
    assert dilations[0] == dilations[1]
    assert settings(narrow) == settings(module)


def test_groups_that_do_not_divide_are_named() -> None:
    assert groups_each(8, 4) == 2
    with pytest.raises(InfeasibleError, match="6 groups cannot be dealt out evenly to 4 networks"):
        groups_each(6, 4)


def test_plain_resnets() -> None:
    found = [
        n for n in ("resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "alexnet") if is_plain_resnet(meta(n))
    ]
    assert found == ["resnet18", "resnet50"]
