"""Backbones by name, from files, and weights that fit or do not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import ResNet18_Weights, get_model

from splitsearch.spaces.backbones.loading import (
    backbone_names,
    classifier_name,
    load_backbone,
    read_state,
    replace_classifier,
)
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


def test_all_classifiers_are_listed() -> None:
    names = backbone_names()
    assert len(names) >= 80
    assert {"resnet152", "vit_b_16", "densenet169"} <= set(names)


def test_from_scratch_it_has_the_classes_of_the_data() -> None:
    backbone = load_backbone("resnet18", classes=7, weights="none")
    assert backbone.origin == "scratch"
    assert backbone.module(torch.randn(2, 3, 32, 32)).shape == (2, 7)


def test_without_a_network_auto_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", refuse)
    backbone = load_backbone("resnet18", classes=7)
    assert backbone.origin == "scratch"
    assert "from scratch" in backbone.note
    with pytest.raises(UserError, match="cannot be had here: no route"):
        load_backbone("resnet18", classes=7, weights="default")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_weights_file_is_loaded_and_its_classifier_replaced(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(0)
    state = get_model("resnet18", weights=None, num_classes=7).state_dict()
    file = tmp_path / f"weights{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    same = load_backbone("resnet18", classes=7, weights=str(file))
    assert torch.equal(same.module.state_dict()["conv1.weight"], state["conv1.weight"])
    assert not same.new_classifier
    other = load_backbone("resnet18", classes=3, weights=str(file))
    assert other.new_classifier
    assert other.module(torch.randn(2, 3, 32, 32)).shape == (2, 3)


def test_weights_of_another_network_name_the_layers(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(get_model("resnet34", weights=None).state_dict(), file)
    with pytest.raises(UserError, match=r"do not fit the backbone: layer1\.2\.conv1\.weight is unexpected"):
        load_backbone("resnet18", classes=10, weights=str(file))


class Trap:
    """An object that only unpickling could bring back."""


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save({"conv1.weight": Trap()}, file)
    with pytest.raises(UserError, match="no plain state dict"):
        read_state(file)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_broken_weights_are_refused_in_one_line(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_state(file)
    assert "\n" not in str(caught.value)


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
        load_backbone(f"{tmp_path}/none.py:make", classes=10)
    (tmp_path / "bad.py").write_text("import nothing_of_the_kind", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be imported: ModuleNotFoundError"):
        load_backbone(f"{tmp_path}/bad.py:make", classes=10)
    with pytest.raises(UserError, match="unknown backbone 'resnet19'; did you mean"):
        load_backbone("resnet19", classes=10)
    with pytest.raises(UserError, match="no weights file"):
        load_backbone("resnet18", classes=10, weights=str(tmp_path / "none.pth"))


def test_the_classifier_is_the_last_layer_of_that_width() -> None:
    module = nn.Sequential(nn.Linear(4, 10), nn.Linear(10, 10), nn.Conv2d(3, 5, 1))
    assert classifier_name(module, 10) == "1"
    replace_classifier(module, 5, 7)
    assert module[2].out_channels == 7
    with pytest.raises(UserError, match="no linear layer or convolution with 99"):
        classifier_name(module, 99)
