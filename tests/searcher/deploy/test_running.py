"""Folders into runtimes, pictures into heads."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsearch.searcher.deploy import running
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.export import ExportOptions, write_folder
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.manifest import HEAD_PARTS, write_manifest
from splitsearch.searcher.deploy.running import infer_pictures, pair_of, serve_tail
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.errors import UserError


def test_the_runtime_that_is_there(exported: ExportFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    pair, runtime = pair_of(exported)
    assert runtime == "onnxruntime"
    monkeypatch.setattr(running, "has_onnxruntime", lambda: False)
    other, runtime = pair_of(exported)
    assert runtime == "pytorch"
    image = {IMAGE: np.ones((1, 3, 32, 32), dtype=np.float32)}
    assert np.allclose(pair.head(image)["exit_logits"], other.head(image)["exit_logits"], atol=1e-5)


def test_onnx_that_was_not_exported(candidate: Chosen, tmp_path: Path) -> None:
    write_folder(candidate, tmp_path / "out", ExportOptions(onnx=False), SilentReporter())
    export = open_export(tmp_path / "out")
    assert pair_of(export)[1] == "pytorch"
    with pytest.raises(UserError, match="exported with --no-onnx: leave --onnx out"):
        pair_of(export, onnx=True)


def test_what_is_wrong_with_pictures(exported: ExportFolder, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture")
    for pictures, line in (
        ([tmp_path / "gone.png"], "no picture"),
        ([tmp_path / "no.png"], "cannot be read: .*no.png"),
    ):
        with pytest.raises(UserError, match=line):
            list(infer_pictures(exported.path, "127.0.0.1:1", pictures))
    with pytest.raises(UserError, match="--timeout must be a positive"):
        list(infer_pictures(exported.path, "127.0.0.1:1", [], timeout_s=0))
    with pytest.raises(UserError, match="--server must be HOST:PORT"):
        list(infer_pictures(exported.path, "nowhere", []))


def test_a_folder_of_before_heads_had_parts_runs(copied: ExportFolder, tmp_path: Path) -> None:
    files = {name: digest for name, digest in copied.manifest.files.items() if name not in HEAD_PARTS}
    write_manifest(copied.path, copied.manifest.model_copy(update={"files": files, "head_parts": None}))
    for name in HEAD_PARTS:
        (copied.path / name).unlink()
    old = open_export(copied.path)
    assert pair_of(old)[0].head.rest is None
    everybody = old.retuned(0.0)
    Image.fromarray(np.zeros((20, 30, 3), dtype=np.uint8)).save(tmp_path / "black.png")
    (answer,) = infer_pictures(everybody.path, "127.0.0.1:1", [tmp_path / "black.png"])
    assert answer["answered"] == "device"


def test_what_leaves_at_the_exit_needs_no_server(copied: ExportFolder, tmp_path: Path) -> None:
    everybody = copied.retuned(0.0)
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    (answer,) = infer_pictures(everybody.path, "127.0.0.1:1", [tmp_path / "noise.png"])
    assert (answer["answered"], answer["payload_bytes"], answer["image"]) == ("device", 0, str(tmp_path / "noise.png"))
    nobody = copied.retuned(1.0)
    with pytest.raises(UserError, match=r"the server 127\.0\.0\.1:1 cannot be reached"):
        list(infer_pictures(nobody.path, "127.0.0.1:1", [tmp_path / "noise.png"]))


def test_no_folder_is_served(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no export folder"):
        serve_tail(tmp_path, "127.0.0.1", 0, lambda text: None)
