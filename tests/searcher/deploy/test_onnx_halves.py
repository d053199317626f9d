"""ONNX files of the halves."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from splitsearch.searcher.deploy import runtimes
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.halves import DeviceHalf
from splitsearch.searcher.deploy.manifest import HEAD_PARTS
from splitsearch.searcher.deploy.onnx_halves import require_opset, write_onnx
from splitsearch.searcher.deploy.runtimes import OnnxHalf
from splitsearch.spaces.errors import UserError


def test_the_files_stand_alone(candidate: Chosen, tmp_path: Path) -> None:
    model, config = candidate.restored.model, candidate.restored.config
    write_onnx(model, config, tmp_path, 16)
    files = ["head.onnx", *HEAD_PARTS, "tail.onnx"]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(files)
    for file in files:
        onnx.checker.check_model(str(tmp_path / file))
        assert onnx.load(str(tmp_path / file)).opset_import[0].version == 16
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = DeviceHalf(model, config.bits)(x)
    found = OnnxHalf(tmp_path / "head.onnx")({"image": x.numpy()})
    assert np.array_equal(found["payload"], expected[0].numpy())


def test_what_is_asked_is_checked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    require_opset(13)
    with pytest.raises(UserError, match="--opset must be from 13 to 18, not 19"):
        require_opset(19)
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package onnx:"):
        require_opset(18)
