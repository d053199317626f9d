"""Backbones by name: where a name leads, and the same networks without values."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.backbones import loading
from splitsearch.spaces.backbones.loading import check_name, load_backbone, meta_backbone
from splitsearch.spaces.errors import UserError


@pytest.mark.parametrize("name", ["resnet18", "timm:resnet18", "net.py:make"])
def test_three_kinds_of_names_are_known(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet19", r"unknown backbone 'resnet19'; did you mean 'resnet1\d+'\?"),
        ("net.py", r"'net\.py' \(a backbone of your own is FILE\.py:FUNCTION"),
        ("timm:resnet5O", "timm has no network 'resnet5O'; did you mean"),
    ],
)
def test_names_that_lead_nowhere_are_explained(name: str, message: str) -> None:
    for use in (check_name, lambda n: load_backbone(n, classes=10), lambda n: meta_backbone(n, 10)):
        with pytest.raises(UserError, match=message):
            use(name)


def test_no_such_weights_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no weights file"):
        load_backbone("resnet18", classes=10, weights=str(tmp_path / "none.pth"))


# regnet and swin compute with tensors while they are built: those must have values, whatever becomes of the weights.
@pytest.mark.parametrize("name", ["resnet18", "regnet_y_400mf", "swin_t", "mobilenet_v3_small", "timm:resnet18"])
def test_without_values_it_is_the_same_network(name: str) -> None:
    meta, real = meta_backbone(name, 7), load_backbone(name, classes=7, weights="none").module
    assert all(value.is_meta for value in meta.state_dict().values())
    shapes = [{key: (v.shape, v.dtype) for key, v in module.state_dict().items()} for module in (meta, real)]
    assert shapes[0] == shapes[1]
    assert not meta.training


def test_no_memory_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No initialiser ever meets a weight with values."""

    def refuse(tensor: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        assert tensor.is_meta
        return tensor

    monkeypatch.setattr(nn.init, "kaiming_uniform_", refuse)
    monkeypatch.setattr(nn.init, "kaiming_normal_", refuse)
    meta_backbone("resnet18", 10)
    with pytest.raises(AssertionError):
        get_model("resnet18", weights=None)


def test_a_constructor_that_reads_its_weights_gets_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(name: str, classes: int) -> nn.Module:
        layer = nn.Linear(3, classes)
        layer.scale = float(layer.weight.abs().max())
        return layer

    monkeypatch.setattr(loading, "torchvision_module", make)
    module = meta_backbone("resnet18", 5)
    assert module.weight.is_meta
    assert not nn.Linear(1, 1).weight.is_meta  # nothing is left behind for whoever builds a network next
