"""The deep stem: torchvision's network with other first layers, and nothing else changed."""

from collections.abc import Callable

import pytest
import torch
from torch import fx, nn
from torchvision.models import get_model
from torchvision.models.resnet import BasicBlock

from splitsearch.spaces.backbones.deep_stem import (
    DeepStemResNet,
    deep_resnext101_64x4d,
    deep_wide_resnet50_2,
    deep_wide_resnet50_3,
)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "build", "inner"),
    [("resnext101_64x4d", deep_resnext101_64x4d, 256), ("wide_resnet50_2", deep_wide_resnet50_2, 128)],
)
def test_it_differs_from_torchvision_by_the_stem_alone(name: str, build: Callable[[], nn.Module], inner: int) -> None:
    with torch.device("meta"):
        deep, plain = build(), get_model(name, weights=None)
    stem = 9 * (3 * 64 + 64 * 64 + 64 * 128) + 2 * (64 + 64 + 128)
    # 64 channels more enter the first 1 x 1 convolution and the first shortcut, which makes 256.
    more = stem - (49 * 3 * 64 + 2 * 64) + 64 * (inner + 256)
    assert parameters(deep) - parameters(plain) == more


def test_width_of_wide_resnet_50_3() -> None:
    with torch.device("meta"):
        module = deep_wide_resnet50_3(classes=7)
    assert module.get_submodule("layer1.0.conv2").weight.shape == (192, 192, 3, 3)
    assert module.get_submodule("fc").weight.shape == (7, 2048)


def test_images_to_logits_with_basic_blocks_too() -> None:
    module = DeepStemResNet(BasicBlock, [1, 1, 1, 1], num_classes=5).eval()
    images = torch.randn(2, 3, 64, 64)
    logits = module(images)
    assert logits.shape == (2, 5)
    assert module.maxpool(module.relu(module.bn1(module.conv1(images)))).shape == (2, 128, 16, 16)
    torch.testing.assert_close(fx.symbolic_trace(module)(images), logits)
