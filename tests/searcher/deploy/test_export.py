"""What is exported says what PyTorch says, or is not there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.export import ExportOptions, export_trial, write_folder
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.outcomes import Pair, run_halves
from splitsearch.searcher.deploy.rebuild import onnx_pair, rebuilt, torch_pair
from splitsearch.searcher.deploy.running import pair_of
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.errors import UserError

SILENT = SilentReporter()
TINY: dict[str, dict[str, Any]] = {
    "mimic, 16 bits, shrunk images": {"cut": "1.2", "head": "mimic", "bits": 16, "resolution": 0.5},
    "float32, an exit by entropy": {"cut": "1.2", "bits": 32, "exit_cut": "1.2", "exit_confidence": "entropy"},
    "one bit, coded, strided": {"cut": "0.2", "bits": 1, "coding": "zstd", "stride": 2, "activation": "tanh"},
    "both sides pruned": {"cut": "1.2", "head_pruning": 0.5, "tail_pruning": 0.5, "exit_cut": "0.2"},
}
BACKBONES = {
    "resnet18": (32, "layer1.1.relu_1", "relu"),
    "densenet121": (32, "features.transition1.pool", "features.relu0"),
    "mobilenet_v3_small": (32, "features.4.block.0.2", "features.0.2"),
    "inception_v3": (75, "maxpool2", "maxpool1"),
}
KINDS: dict[str, dict[str, Any]] = {
    "original": {},
    "mimic": {"head": "mimic", "bits": 4},
    "published mimic": {"head": "mimic", "encoder": "hnd"},
    "divided tail": {"division": 2},
    "divided whole": {"division": 2, "division_scope": "whole"},
    "pruned": {"head_pruning": 0.3, "tail_pruning": 0.3},
    "pruned by threshold": {"tail_pruning": 0.8, "pruning_rule": "threshold"},
    "shrunk": {"width": 0.75, "depth": 0.75},
    "exit": {"exit_threshold": 0.11, "exit_fusion": 0.5, "exit_confidence": "margin"},
}


def check(found: Chosen, folder: Path) -> ExportFolder:
    """Exports, and compares the folder in both runtimes with the candidate itself, run stage by stage."""
    manifest = write_folder(found, folder, ExportOptions(), SILENT)
    assert manifest.checked is not None
    assert manifest.checked.accuracy_difference <= 0.001
    assert manifest.checked.logits <= 1e-3
    export = open_export(folder)
    model, images = found.restored.model, found.restored.data.val
    again = run_halves(torch_pair(rebuilt(export), export.config), images)
    there = run_halves(onnx_pair(folder, export.config, export.manifest.payload.shape), images)
    here = run_halves(torch_pair(model, export.config), images)
    parted = run_halves(pair_of(export, onnx=True)[0], images)
    assert np.array_equal(again.final, here.final), "the folder holds every weight"
    assert np.array_equal(parted.payload_bytes, there.payload_bytes)
    scale = float(np.abs(here.final).max())
    if export.config.bits >= 8:  # below, an element on the edge may be rounded to the other side
        assert np.allclose(there.final, here.final, atol=0.02 * scale)
    assert {file.name for file in folder.iterdir()} == {*export.manifest.files, "manifest.json"}
    return export


@pytest.mark.parametrize("fields", TINY.values(), ids=TINY.keys())
def test_both_runtimes_say_what_the_candidate_says(
    fields: dict[str, Any], choose: Any, workplace: Path, tmp_path: Path
) -> None:
    check(choose("net.py:make", 32, workplace, **fields), tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_kind_of_every_family(backbone: str, kind: str, choose: Any, tmp_path: Path) -> None:
    from splitsearch.spaces.errors import InfeasibleError

    size, cut, exit_cut = BACKBONES[backbone]
    fields = {"cut": cut} | KINDS[kind] | ({"exit_cut": exit_cut} if kind == "exit" else {})
    try:
        found = choose(backbone, size, tmp_path, **fields)
    except InfeasibleError as error:
        pytest.skip(f"there is no such candidate: {error}")
    check(found, tmp_path / "out")


def test_the_halves_are_the_chain_of_stages(candidate: Chosen) -> None:
    """Independent of the halves: the stages as training runs them, pack and unpack."""
    from splitsearch.searcher.data.preprocess import normalise
    from splitsearch.spaces.bottleneck.payload import pack, unpack

    model, config, part = candidate.restored.model, candidate.restored.config, candidate.restored.data.val
    outcomes = run_halves(torch_pair(model, config), part)
    assert model.exit is not None
    with torch.no_grad():
        x = normalise(part.images)
        for stage in model.at("device"):
            x = stage.module(x)
            if stage.name == model.exit.after:
                early = model.exit.stage.module(x)
        payloads = [pack(image, config.bits, config.coding) for image in x]
        y = torch.stack([unpack(payload, tuple(x.shape[1:])) for payload in payloads])
        for stage in model.at("server"):
            y = stage.module(y)
    assert outcomes.payload_bytes.tolist() == [len(payload) for payload in payloads]
    assert torch.equal(torch.from_numpy(outcomes.early), early)
    assert torch.equal(torch.from_numpy(outcomes.final), y + 0.5 * early)


def test_a_difference_leaves_nothing_behind(candidate: Chosen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from splitsearch.searcher.deploy import export

    def other(model: Any, config: Any) -> Pair:
        pair = torch_pair(model, config)
        tail: Any = pair.tail
        return replace(pair, tail=lambda inputs: {"logits": tail(inputs)["logits"][:, ::-1].copy()})

    monkeypatch.setattr(export, "torch_pair", other)
    with pytest.raises(UserError, match=r"the ONNX files differ from PyTorch: logits .* nothing was written"):
        write_folder(candidate, tmp_path / "out", ExportOptions(), SILENT)
    assert list(tmp_path.iterdir()) == []


def test_an_old_operator_set_names_the_node(choose: Any, workplace: Path, tmp_path: Path) -> None:
    shrunk = choose("net.py:make", 32, workplace, cut="1.2", resolution=0.5)
    with pytest.raises(UserError, match=r"head\.onnx: .* set before 18 has no .* (Shape|Resize) as the node '\w+'"):
        write_folder(shrunk, tmp_path / "out", ExportOptions(opset=13), SILENT)
    assert list(tmp_path.iterdir()) == []


def test_an_old_operator_set_runs(candidate: Chosen, tmp_path: Path) -> None:
    import onnx

    manifest = write_folder(candidate, tmp_path / "out", ExportOptions(opset=13), SILENT)
    assert manifest.checked is not None
    assert manifest.checked.opset == 13
    assert onnx.load(str(tmp_path / "out" / "head.onnx")).opset_import[0].version == 13


def test_names_and_batches_are_fixed(exported: ExportFolder) -> None:
    import onnx

    manifest = exported.manifest
    assert manifest.head_parts is not None
    for file, half in {"head.onnx": manifest.head, "tail.onnx": manifest.tail, **manifest.head_parts}.items():
        graph = onnx.load(str(exported.path / file)).graph
        for tensors, entries in ((half["inputs"], graph.input), (half["outputs"], graph.output)):
            assert [entry.name for entry in entries] == [tensor.name for tensor in tensors]
            for entry, tensor in zip(entries, tensors, strict=True):
                batch, *dims = entry.type.tensor_type.shape.dim
                assert batch.dim_param == "batch"
                assert tuple(dim.dim_value for dim in dims) == tensor.shape


def test_an_export_without_onnx(candidate: Chosen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from splitsearch.searcher.deploy import runtimes

    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    manifest = write_folder(candidate, tmp_path / "out", ExportOptions(onnx=False), SILENT)
    assert manifest.checked is None
    assert not (tmp_path / "out" / "head.onnx").exists()
    assert isinstance(rebuilt(open_export(tmp_path / "out")).stages[0].module, nn.Module)
    with pytest.raises(UserError, match=r"needs the package onnx: pip install 'splitsearch\[onnx\]'"):
        export_trial(tmp_path, tmp_path / "more", ExportOptions(), SILENT)


def test_what_is_wrong_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--check-images must be at least 1"):
        ExportOptions(check_images=0)
    with pytest.raises(UserError, match="--opset must be from 13 to 18, not 12"):
        export_trial(tmp_path, tmp_path / "out", ExportOptions(opset=12), SILENT)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UserError, match="is there already"):
        export_trial(tmp_path, tmp_path / "full", ExportOptions(), SILENT)
    with pytest.raises(UserError, match="is no run folder"):
        export_trial(tmp_path, tmp_path / "out", ExportOptions(), SILENT)
