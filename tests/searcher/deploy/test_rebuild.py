"""PyTorch halves from names and weights alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.halves import IMAGE, device_stages
from splitsearch.searcher.deploy.rebuild import (
    BACKBONE_FILE,
    load_stages,
    onnx_pair,
    pruned_widths,
    rebuilt,
    save_stages,
    torch_pair,
)
from splitsearch.spaces.errors import UserError


@torch.no_grad()
def test_the_folder_needs_nothing_else(candidate: Chosen, exported: ExportFolder) -> None:
    model, x = rebuilt(exported), torch.randn(2, 3, 32, 32)
    assert torch.equal(model.run(x), candidate.restored.model.run(x))
    assert (exported.path / BACKBONE_FILE).is_file()


def test_pruned_layers_are_as_wide_as_they_were(choose: Any, workplace: Path) -> None:
    found = choose("net.py:make", 32, workplace, cut="1.2", head_pruning=0.5)
    assert pruned_widths(found.restored.config, found.restored.teacher.variants) == {"head": {"0.0": 4}}
    whole = choose("net.py:make", 32, workplace, cut="1.2")
    assert pruned_widths(whole.restored.config, whole.restored.teacher.variants) == {}


def test_every_weight_is_saved_and_must_fit(candidate: Chosen, tmp_path: Path) -> None:
    stages = device_stages(candidate.restored.model)
    save_stages(stages, tmp_path / "weights")
    tensors = load_file(tmp_path / "weights")
    names = {f"{stage.name}.{key}" for stage in stages for key in stage.module.state_dict()}
    assert set(tensors) == names
    load_stages(stages, tensors, "'weights'")
    missing = {name: value for name, value in tensors.items() if name != "encoder.project.bias"}
    with pytest.raises(UserError, match=r"'weights' does not fit the stage 'encoder': Missing key.*project\.bias"):
        load_stages(stages, missing, "'weights'")


def test_another_network_under_the_same_name(copied: ExportFolder) -> None:
    file = copied.path / BACKBONE_FILE
    file.write_text(file.read_text(encoding="utf-8").replace("nn.ReLU()", "nn.SiLU()"), encoding="utf-8")
    with pytest.raises(UserError, match=r"is not the one that was exported \(with torch .*or use the ONNX files"):
        rebuilt(copied)


def test_both_runtimes_have_the_same_names(candidate: Chosen, exported: ExportFolder) -> None:
    ours = torch_pair(candidate.restored.model, exported.config)
    theirs = onnx_pair(exported.path, exported.config, ours.shape)
    images = {IMAGE: torch.randn(1, 3, 32, 32).numpy()}
    assert ours.shape == exported.manifest.payload.shape
    here, there = ours.head(images), theirs.head(images)
    assert {name: (a.dtype, a.shape) for name, a in here.items()} == {n: (a.dtype, a.shape) for n, a in there.items()}
