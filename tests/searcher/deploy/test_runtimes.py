"""What runs a half."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from splitsearch.searcher.deploy import runtimes
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.runtimes import OnnxHalf, TorchHalf, has_onnxruntime, require_onnx
from splitsearch.spaces.errors import UserError


def test_a_module_by_names() -> None:
    half = TorchHalf(nn.Linear(2, 3), ("x",), ("y",))
    x = np.ones((4, 2), dtype=np.float32)
    assert np.array_equal(half({"x": x, "other": x})["y"], half.module(torch.from_numpy(x)).detach().numpy())


def test_a_file_by_names(exported: ExportFolder) -> None:
    half = OnnxHalf(exported.path / "tail.onnx")
    assert half.inputs == ("payload", "scale", "zero")
    shape = exported.manifest.payload.shape
    one = np.ones(5, dtype=np.float32)
    found = half({"payload": np.zeros((5, *shape), dtype=np.uint8), "scale": one, "zero": one})
    assert found["logits"].shape == (5, 10)


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    (tmp_path / "head.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"ONNX Runtime [\d.]+ cannot run '.*head\.onnx'"):
        OnnxHalf(tmp_path / "head.onnx")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_onnxruntime()
    require_onnx("onnx", "onnxruntime")
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    assert not has_onnxruntime()
    with pytest.raises(UserError, match=r"needs the package onnxruntime: pip install 'splitsearch\[onnx\]'"):
        OnnxHalf(Path("head.onnx"))
