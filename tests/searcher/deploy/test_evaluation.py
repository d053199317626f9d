"""Exported models on data sets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.deploy import evaluation
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.evaluation import EvaluationOptions, evaluate
from splitsearch.searcher.deploy.export import ExportOptions, write_folder
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.outcomes import run_halves
from splitsearch.searcher.deploy.rebuild import torch_pair
from splitsearch.searcher.deploy.retune import Wish
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.errors import NothingFeasibleError, UserError

SILENT = SilentReporter()


@pytest.fixture
def parts(candidate: Chosen, monkeypatch: pytest.MonkeyPatch) -> dict[str, Split]:
    """The data set's validation part, and a test part that a test may take away."""
    val = candidate.restored.data.val
    found = {"validation": val, "test": Split(images=val.images.flip(3)[:20], labels=val.labels[:20])}

    def images(*arguments: Any) -> tuple[str, Split, Split | None]:
        return "n", found["validation"], found.get("test")

    monkeypatch.setattr(evaluation, "evaluation_images", images)
    return found


def test_the_test_part_is_reported_if_there_is_one(
    parts: dict[str, Split], candidate: Chosen, exported: ExportFolder
) -> None:
    pair = torch_pair(candidate.restored.model, candidate.restored.config)
    for part in ("test", "validation"):
        document = evaluate(exported.path, EvaluationOptions(), SILENT)
        outcomes = run_halves(pair, parts.pop(part))
        assert (document["part"], document["images"]) == (part, len(outcomes.labels))
        assert document["accuracy"] == outcomes.hits(0.6).mean()
        assert document["exit"]["exit_rate"] == outcomes.leaves(0.6).mean()
        assert document["payload_bytes"]["mean_of_all"] == outcomes.payload_bytes[~outcomes.leaves(0.6)].sum() / len(
            outcomes.labels
        )
        assert document["baselines"]["on"] == "validation images of the run, measured there"
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        if part == "test":
            assert document["on"].startswith("test images, which neither training nor selection saw")
            continue
        assert "on which the search selected" in document["on"]
        break


def test_onnx_says_the_same(parts: dict[str, Split], exported: ExportFolder) -> None:
    here, there = (evaluate(exported.path, EvaluationOptions(onnx=onnx), SILENT) for onnx in (False, True))
    assert (here["runtime"], there["runtime"]) == ("pytorch", "onnxruntime")
    assert here["accuracy"] == there["accuracy"]
    assert here["calibration_error"] == pytest.approx(there["calibration_error"], abs=1e-5)


def test_a_threshold_is_chosen_on_validation_images(
    parts: dict[str, Split], copied: ExportFolder, candidate: Chosen
) -> None:
    pair = torch_pair(candidate.restored.model, candidate.restored.config)
    on_validation, on_test = (run_halves(pair, parts[name]) for name in ("validation", "test"))
    full = copied.manifest.costs["full"]["latency_ms"]
    options = EvaluationOptions(wish=Wish(latency_ms=0.999 * full))
    document = evaluate(copied.path, options, SILENT)
    found = document["retuned"]
    assert (found["on"], found["written"]) == ("validation", False)
    assert found["latency_ms"] <= 0.999 * full
    assert found["accuracy"] == on_validation.hits(found["threshold"]).mean()
    assert document["accuracy"] == on_test.hits(found["threshold"]).mean()
    assert document["exit"]["threshold"] == found["threshold"]
    assert open_export(copied.path).config.exit_threshold == 0.6
    written = evaluate(copied.path, replace(options, write=True), SILENT)
    assert written["retuned"] == found | {"written": True}
    assert open_export(copied.path).config.exit_threshold == found["threshold"]
    assert evaluate(copied.path, EvaluationOptions(), SILENT)["exit"]["threshold"] == found["threshold"]


def test_what_cannot_be_reached(parts: dict[str, Split], copied: ExportFolder) -> None:
    with pytest.raises(NothingFeasibleError, match="no threshold reaches an accuracy of 1"):
        evaluate(copied.path, EvaluationOptions(wish=Wish(accuracy=1.0), write=True), SILENT)
    assert open_export(copied.path).config.exit_threshold == 0.6
    with pytest.raises(UserError, match="--write needs --target-accuracy or --target-latency-ms"):
        EvaluationOptions(write=True)


def test_a_model_without_an_exit(parts: dict[str, Split], choose: Any, workplace: Path, tmp_path: Path) -> None:
    plain = choose("net.py:make", 32, workplace, cut="1.2", coding="zstd")
    write_folder(plain, tmp_path / "out", ExportOptions(onnx=False), SILENT)
    document = evaluate(tmp_path / "out", EvaluationOptions(), SILENT)
    assert document["exit"] is None
    sent = document["payload_bytes"]["sent"]
    assert sent["p50"] <= sent["p95"] <= sent["max"] <= open_export(tmp_path / "out").manifest.payload.max_bytes
    with pytest.raises(UserError, match="a model without an exit, so there is no threshold to choose"):
        evaluate(tmp_path / "out", EvaluationOptions(wish=Wish(accuracy=0.1)), SILENT)


def test_files_are_measured_on_the_same_images(
    parts: dict[str, Split], exported: ExportFolder, candidate: Chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    from splitsearch.searcher.training.teacher import accuracy

    restored = candidate.restored
    monkeypatch.setattr(evaluation, "data_of", lambda *_: restored.data)
    monkeypatch.setattr(evaluation, "teacher_for", lambda *_: restored.teacher)
    found = evaluate(exported.path, EvaluationOptions(baselines=True), SILENT)["baselines"]
    assert found["on"] == "the 20 test images of this evaluation"
    rows = {row["name"]: row["values"] for row in found["rows"]}
    assert rows["server_raw"]["accuracy"] == accuracy(restored.teacher.graph.module, parts["test"])
    assert rows["server_jpeg_q90"]["payload_bytes"] > rows["server_jpeg_q10"]["payload_bytes"] > 100
    assert np.isfinite(rows["server_jpeg_q50"]["latency_ms"])
