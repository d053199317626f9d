"""Backbones from the user's own file."""

from pathlib import Path

import pytest
import torch
from torch import nn

from splitsearch.spaces.backbones.loading import load_backbone, meta_backbone
from splitsearch.spaces.backbones.own import load_own, own_module, own_outputs
from splitsearch.spaces.errors import UserError

OWN = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))

def needs(size):
    return make()

def breaks():
    raise RuntimeError("no such luck")

def number():
    return 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "net.py"
    file.write_text(OWN, encoding="utf-8")
    return file


def test_an_own_backbone_keeps_its_weights(own: Path) -> None:
    backbone = load_backbone(f"{own}:make", classes=10)
    assert (backbone.origin, backbone.new_classifier) == ("own", False)
    assert load_backbone(f"{own}:make", classes=4).module(torch.randn(1, 3, 8, 8)).shape == (1, 4)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("mak", "no function 'mak'; did you mean 'make'"),
        ("needs", "takes size"),
        ("breaks", "raised RuntimeError: no such luck"),
        ("number", "must return a torch.nn.Module, not int"),
    ],
)
def test_an_own_backbone_that_is_wrong_is_explained(own: Path, function: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_backbone(f"{own}:{function}", classes=10)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        load_own(f"{tmp_path}/none.py:make", 10, "auto")
    (tmp_path / "bad.py").write_text("import nothing_of_the_kind", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be imported: ModuleNotFoundError"):
        load_own(f"{tmp_path}/bad.py:make", 10, "auto")


def test_weights_are_the_functions_a_files_or_none(own: Path, tmp_path: Path) -> None:
    name = f"{own}:make"
    file = tmp_path / "weights.pth"
    torch.save(own_module(name).state_dict(), file)
    assert load_own(name, 10, str(file)).origin == "file"
    assert load_own(name, 10, "none").origin == "scratch"
    with pytest.raises(UserError, match="a backbone of your own has not"):
        load_own(name, 10, "default")


def test_its_classes_are_the_width_of_the_last_layer(own: Path) -> None:
    assert own_outputs(own_module(f"{own}:make")) == 10
    with pytest.raises(UserError, match="no linear layer or convolution"):
        own_outputs(nn.ReLU())


def test_on_the_meta_device_it_has_the_classes_too(own: Path) -> None:
    module = meta_backbone(f"{own}:make", 4)
    assert module(torch.empty(1, 3, 8, 8, device="meta")).shape == (1, 4)
