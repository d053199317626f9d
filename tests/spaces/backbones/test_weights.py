"""Weights are read without running code, fit strictly, and the classifier is found and replaced."""

from pathlib import Path

import pytest
import torch
from torch import nn

from splitsearch.spaces.backbones.weights import (
    classes_in,
    classifier_name,
    first_line,
    load_state,
    read_state,
    replace_classifier,
)
from splitsearch.spaces.errors import UserError


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


def test_the_classifier_is_the_last_layer_of_that_width() -> None:
    module = nn.Sequential(nn.Linear(4, 10), nn.Linear(10, 10), nn.Conv2d(3, 5, 1))
    assert classifier_name(module, 10) == "1"
    replace_classifier(module, 5, 7)
    assert module[2].out_channels == 7
    with pytest.raises(UserError, match="no linear layer or convolution with 99"):
        classifier_name(module, 99)


def test_a_state_dict_says_how_many_classes_it_knows() -> None:
    state = {"fc.weight": torch.zeros(7, 4)}
    assert classes_in(state, "fc", 10) == 7
    assert classes_in(state, "head", 10) == 10


def test_layers_that_do_not_fit_are_named() -> None:
    module = nn.Linear(4, 3)
    with pytest.raises(UserError, match=r"weight has shape \(3, 5\) instead of \(3, 4\)"):
        load_state(module, {"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}, "file")
    with pytest.raises(UserError, match="bias is missing; more is unexpected"):
        load_state(module, {"weight": torch.zeros(3, 4), "more": torch.zeros(1)}, "file")
    load_state(module, {"weight": torch.ones(3, 4), "bias": torch.ones(3)}, "file")
    assert torch.equal(module.bias, torch.ones(3))


def test_a_message_is_one_line() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
