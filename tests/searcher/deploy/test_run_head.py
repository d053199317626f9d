"""The example for devices: short, without torch, and byte for byte what the library sends."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splitsearch.searcher.data.resize import fit
from splitsearch.searcher.deploy import run_head
from splitsearch.searcher.deploy.crossing import packed
from splitsearch.searcher.deploy.export import ExportOptions, write_folder
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.manifest import HEAD_PARTS
from splitsearch.searcher.deploy.rebuild import onnx_head
from splitsearch.searcher.reporter import SilentReporter

ALONE = """
import builtins, runpy, sys
allowed = builtins.__import__
def refuse(name, *rest, **more):
    if name.partition(".")[0] in ("torch", "splitsearch", "onnx", "safetensors", "zstandard", "pydantic", "yaml"):
        raise ImportError(f"{name} is not on the device")
    return allowed(name, *rest, **more)
builtins.__import__ = refuse
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def alone(*arguments: str) -> dict[str, Any]:
    """Runs the copy in an export folder where nothing but numpy, onnxruntime and Pillow can be imported."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def picture(folder: Path, height: int, width: int) -> Path:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "picture.png")
    return folder / "picture.png"


def expected(folder: Path, export: ExportFolder, file: Path) -> bytes:
    pixels = fit(np.asarray(Image.open(file)), export.config.image_size).astype(np.float32) / 255
    p = export.manifest.preprocessing
    image = ((pixels - np.float32(p.mean)) / np.float32(p.std)).transpose(2, 0, 1)[None]
    from dataclasses import replace

    # The device has no zstd: it sends what the server takes too.
    head = onnx_head(folder, in_parts=export.has_parts)
    return packed(head({IMAGE: image}), replace(export.config, coding="none"))[0]


def test_forty_lines_of_code() -> None:
    lines = Path(run_head.__file__).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip() and '"""' not in line]) <= 40
    assert len(lines) <= 55


def test_it_is_python_of_old_jetsons() -> None:
    text = Path(run_head.__file__).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 6))
    assert not re.search(r"strict=|\|=|Resampling", text), "newer than Python 3.9 and Pillow 9"


@pytest.mark.parametrize("size", [(32, 32), (20, 50), (90, 64), (64, 91)])
@pytest.mark.parametrize("bits", [3, 8, 16, 32])
def test_the_bytes_are_those_of_the_library(
    bits: int, size: tuple[int, int], folders: dict[int, ExportFolder], tmp_path: Path
) -> None:
    export, file = folders[bits], picture(tmp_path, *size)
    said = run_head.main(str(export.path), str(file), str(tmp_path / "payload.bin"))
    data = (tmp_path / "payload.bin").read_bytes()
    assert said["payload_bytes"] == len(data)
    assert data == expected(export.path, export, file)


@pytest.fixture(scope="session")
def folders(choose: Any, workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, ExportFolder]:
    from splitsearch.searcher.deploy.folder import open_export

    root, found = tmp_path_factory.mktemp("bits"), {}
    for bits in (3, 8, 16, 32):
        chosen = choose("net.py:make", 32, workplace, cut="1.2", bits=bits, channels=2)
        write_folder(chosen, root / str(bits), ExportOptions(), SilentReporter())
        found[bits] = open_export(root / str(bits))
    return found


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_what_leaves_at_the_exit_opens_no_second_file(
    threshold: float, copied: ExportFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, opened = copied.retuned(threshold), list[str]()
    session = run_head.onnxruntime.InferenceSession

    def counted(path: str, **options: Any) -> Any:
        opened.append(Path(path).name)
        return session(path, **options)

    monkeypatch.setattr(run_head.onnxruntime, "InferenceSession", counted)
    said = run_head.main(str(export.path), str(picture(tmp_path, 40, 30)), str(tmp_path / "payload.bin"))
    assert (said["answered"], opened) == (
        ("device", [*HEAD_PARTS][:1]) if threshold == 0 else ("nobody yet", [*HEAD_PARTS])
    )


def test_it_runs_where_there_is_no_torch(exported: ExportFolder, tmp_path: Path) -> None:
    file, copy = picture(tmp_path, 40, 30), str(exported.path / "run_head.py")
    said = alone(copy, str(exported.path), str(file), str(tmp_path / "payload.bin"))
    if said["answered"] == "device":
        assert (said["payload_bytes"], said["label"] in exported.manifest.classes) == (0, True)
    else:
        assert (tmp_path / "payload.bin").read_bytes() == expected(exported.path, exported, file)
