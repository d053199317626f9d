"""Classifiers of torchvision, with every kind of weights."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet18_Weights, get_model

from splitsearch.spaces.backbones.loading import backbone_names, load_backbone
from splitsearch.spaces.backbones.torchvision import load_torchvision, torchvision_module, torchvision_names
from splitsearch.spaces.errors import UserError


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


@pytest.mark.parametrize("damaged", [True, False])
def test_published_weights_on_the_disk_are_checked_before_they_are_read(
    damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = get_model("resnet18", weights=None).state_dict()
    file = tmp_path / "checkpoints" / "resnet18-xxxxxxxx.pth"
    file.parent.mkdir()
    torch.save(state, file)
    name = f"resnet18-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}.pth"
    file = file.rename(file.with_name(name))
    if damaged:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(ResNet18_Weights, "url", f"https://x.invalid/{name}", raising=False)
    backbone = load_torchvision("resnet18", 1000, "auto")
    assert (backbone.origin, file.exists()) == (("scratch", False) if damaged else ("pretrained", True))
    if not damaged:
        assert torch.equal(backbone.module.state_dict()["conv1.weight"], state["conv1.weight"])


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


def test_auxiliary_classifiers_are_left_out() -> None:
    assert set(torchvision_names()) <= set(backbone_names())
    assert not any(name.startswith("aux") for name, _ in torchvision_module("googlenet", 10).named_modules())
    assert load_torchvision("squeezenet1_1", 3, "none").module(torch.randn(1, 3, 64, 64)).shape == (1, 3)
