"""An export folder as it is read."""

import json
from pathlib import Path

import pytest

from splitsearch.searcher.deploy.folder import CONFIG, ExportFolder, config_text, open_export
from splitsearch.searcher.settings import read_settings
from splitsearch.spaces.errors import UserError


def test_what_was_written_is_read(exported: ExportFolder) -> None:
    assert exported.has_onnx
    assert exported.config.exit_threshold == exported.manifest.exit.threshold  # type: ignore[union-attr]
    assert read_settings(exported.settings).backbone == "net.py:make"


@pytest.mark.parametrize("name", ["head.onnx", "tail.safetensors", "config.yaml", "NOTES.md"])
def test_a_changed_file_is_named_with_its_checksum(name: str, copied: ExportFolder) -> None:
    file = copied.path / name
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=rf"{name}' was changed: its SHA-256 is [0-9a-f]{{16}}…, the manifest says"):
        open_export(copied.path)
    file.unlink()
    with pytest.raises(UserError, match=f"lacks the file '{name}'"):
        open_export(copied.path)


def test_names_that_lead_elsewhere_are_refused(copied: ExportFolder) -> None:
    path = copied.path / "manifest.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["files"]["../outside"] = "0"
    (copied.path.parent / "outside").touch()
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match="lacks the file"):
        open_export(copied.path)


def test_another_release(copied: ExportFolder) -> None:
    from splitsearch.searcher.deploy.manifest import file_hash, write_manifest

    path = copied.path / CONFIG
    path.write_text(path.read_text(encoding="utf-8").replace("schema: 1", "schema: 9", 1), encoding="utf-8")
    files = copied.manifest.files | {CONFIG: file_hash(path)}
    write_manifest(copied.path, copied.manifest.model_copy(update={"files": files}))
    with pytest.raises(UserError, match=r"config\.yaml' has schema 9, this release reads 1"):
        open_export(copied.path)


def test_another_threshold_leaves_a_whole_folder(copied: ExportFolder) -> None:
    changed = copied.retuned(0.75)
    again = open_export(copied.path)
    assert (again.config.exit_threshold, again.manifest.model) == (0.75, copied.manifest.model)
    assert again == changed


def test_what_can_be_trained_on_is_in_the_config(exported: ExportFolder, tmp_path: Path) -> None:
    text = config_text(exported.config, exported.settings, 3)
    assert text == (exported.path / CONFIG).read_text(encoding="utf-8")
