"""The CIFAR networks: sizes from their papers, shapes, and graphs that do not depend on widths."""

from collections.abc import Callable

import pytest
import torch
from torch import fx, nn

from splitsearch.spaces.backbones.cifar import CifarResNet, CifarResNeXt, CifarWideResNet
from splitsearch.spaces.errors import UserError


def parameters(build: Callable[[], nn.Module]) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build().parameters())


# Millions for ten classes: Table 6 of He et al., Table 4 of Zagoruyko and Komodakis, Table 7 of Xie et al.
@pytest.mark.parametrize(
    ("build", "millions"),
    [
        (lambda: CifarResNet(20, classes=10), 0.27),
        (lambda: CifarResNet(56, classes=10), 0.85),
        (lambda: CifarResNet(110, classes=10), 1.73),
        (lambda: CifarWideResNet(16, 8, classes=10), 11.0),
        (lambda: CifarWideResNet(28, 10, classes=10), 36.5),
        (lambda: CifarWideResNet(40, 4, classes=10), 8.9),
        (lambda: CifarResNeXt(8, 64, classes=10), 34.4),
        (lambda: CifarResNeXt(16, 64, classes=10), 68.1),
    ],
)
def test_sizes_equal_those_of_the_papers(build: Callable[[], nn.Module], millions: float) -> None:
    # The papers' ResNets have shortcuts without weights; two 1 x 1 convolutions are 1 % of the smallest.
    assert parameters(build) / 1e6 == pytest.approx(millions, rel=0.02)


def test_a_basic_block_in_closed_form() -> None:
    expected = 3 * 16 * 9 + 32  # stem and its norm
    for before, after in ((16, 16), (16, 32), (32, 64)):
        expected += 9 * before * after + 9 * after * after + 4 * after
        expected += 0 if before == after else before * after + 2 * after
    assert parameters(lambda: CifarResNet(8, classes=5)) == expected + 64 * 5 + 5


@pytest.mark.parametrize(
    "build",
    [
        lambda: CifarResNet(8, base=4, classes=7),
        lambda: CifarResNet(11, bottleneck=True, base=4, classes=7),
        lambda: CifarResNeXt(2, 2, depth=11, classes=7),
        lambda: CifarWideResNet(10, 1, classes=7),
    ],
)
def test_images_to_logits_and_traceable(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    module = build().eval()
    images = torch.randn(2, 3, 32, 32)
    logits = module(images)
    assert logits.shape == (2, 7)
    torch.testing.assert_close(fx.symbolic_trace(module)(images), logits)


def test_the_identity_shortcut_takes_the_map_before_its_norm() -> None:
    block = CifarWideResNet(10, 1).eval().layer1.get_submodule("0")
    assert isinstance(block.shortcut, nn.Identity)
    assert isinstance(block.conv2, nn.Conv2d)
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 16, 8, 8)
    torch.testing.assert_close(block(x), x)


def test_maps_shrink_twice() -> None:
    module = CifarResNet(8).eval()
    x = module.stem(torch.zeros(1, 3, 32, 32))
    assert [(x := layer(x)).shape[1:] for layer in (module.layer1, module.layer2, module.layer3)] == [
        (16, 32, 32), (32, 16, 16), (64, 8, 8),
    ]  # fmt: skip


@pytest.mark.parametrize("widen", [1, 2])
def test_names_do_not_depend_on_widths(widen: int) -> None:
    one, other = (fx.symbolic_trace(CifarWideResNet(10, k)) for k in (widen, 4))
    assert [(n.name, n.target) for n in one.graph.nodes] == [(n.name, n.target) for n in other.graph.nodes]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CifarResNet(21), r"a depth of 21 is no 6n \+ 2; 20 and 26 are"),
        (lambda: CifarResNet(1, bottleneck=True), r"1 is no 9n \+ 2; 11 and 20 are"),
        (lambda: CifarWideResNet(30, 2), r"30 is no 6n \+ 4; 28 and 34 are"),
        (lambda: CifarResNeXt(8, 64, depth=30), "29 and 38 are"),
    ],
)
def test_impossible_depths_name_the_nearest(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build()
