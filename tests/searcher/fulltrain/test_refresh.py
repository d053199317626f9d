"""Trained weights go back into the export folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.deploy.evaluation import EvaluationOptions, evaluate
from splitsearch.searcher.deploy.folder import open_export
from splitsearch.searcher.fulltrain import refresh
from splitsearch.searcher.fulltrain.refresh import finish_install
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.errors import UserError


def test_both_runtimes_evaluate_what_was_trained(export: Any, go: Any) -> None:
    folder = export(onnx=True)
    found = go(folder, epochs=3)
    manifest = open_export(folder).manifest
    assert manifest.checked is not None
    assert manifest.checked.images == 60
    accuracies = [
        evaluate(folder, EvaluationOptions(onnx=onnx), SilentReporter())["accuracy"] for onnx in (False, True)
    ]
    assert accuracies[0] == pytest.approx(found["best"]["accuracy"])
    assert accuracies[1] == pytest.approx(accuracies[0], abs=1 / 60)
    assert "serve deployed" in (folder / "NOTES.md").read_text(encoding="utf-8")


def test_weights_that_were_better_stay(export: Any, go: Any, watching: Any) -> None:
    folder = export()
    go(folder, epochs=4)
    before = open_export(folder).manifest
    watch = watching()
    found = go(folder, epochs=1, trainer="naive", subset=20, batch_size=20, out=folder / "worse", reporter=watch)
    assert not found["refreshed"]
    assert open_export(folder).manifest == before
    trained = open_export(Path(found["export"])).manifest
    assert trained.trained is not None
    assert trained.trained.exported_accuracy == found["exported"]["accuracy"] > trained.trained.accuracy
    assert any("stays as it is, the trained ones are in" in line for line in watch.said)


def test_a_kill_between_two_files_is_mended_on_resume(
    export: Any, go: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, written = export(), []
    real = refresh.write_bytes_atomic

    def kill(path: Path, data: bytes) -> None:
        written.append(path.name)
        if len(written) == 3:
            raise KeyboardInterrupt
        real(path, data)

    monkeypatch.setattr(refresh, "write_bytes_atomic", kill)
    with pytest.raises(KeyboardInterrupt):
        go(folder)
    with pytest.raises(UserError, match="was changed"):
        open_export(folder)
    monkeypatch.setattr(refresh, "write_bytes_atomic", real)
    found = go(folder, resume=True)
    assert found["export"] == str(folder)
    trained = open_export(folder).manifest.trained
    assert trained is not None
    assert trained.accuracy == found["best"]["accuracy"]
    assert not (folder / "training" / "installing").exists()


def test_what_is_not_whole_is_not_installed(export: Any, tmp_path: Path) -> None:
    folder, waiting = export(), tmp_path / "installing" / "deployed"
    assert not finish_install(tmp_path, folder)
    shutil.copytree(folder, waiting)
    (waiting / "manifest.json").rename(waiting / "other")
    assert not finish_install(tmp_path, folder)
    (waiting / "other").rename(waiting / "manifest.json")
    data = json.loads((waiting / "manifest.json").read_text(encoding="utf-8"))
    assert finish_install(tmp_path, folder)
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == data


def test_a_folder_that_cannot_be_written_loses_nothing(
    export: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, waiting = export(), tmp_path / "installing" / "deployed"
    shutil.copytree(folder, waiting)

    def refused(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(refresh, "write_bytes_atomic", refused)
    with pytest.raises(UserError, match=r"deployed' cannot be written: Permission denied; the trained halves wait in"):
        finish_install(tmp_path, folder)
    assert (waiting / "manifest.json").is_file()
