"""What people see of an export folder."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from splitsearch.searcher.cli.deployed import print_answers, print_evaluation, print_export

POINT = {"threshold": 0.5, "exit_rate": 0.25, "accuracy": 0.9, "payload_bytes": 75.0, "latency_ms": 8.0}
EVALUATION: dict[str, Any] = {
    "trial": 3, "backbone": "resnet18", "dataset": "digits", "runtime": "pytorch", "images": 40, "on": "test images",
    "accuracy": 0.9, "accuracy_interval": [0.8, 0.95], "top5": 0.99, "calibration_error": 0.05, "calibration_bins": 15,
    "payload_bytes": {"mean_of_all": 75.0, "sent_images": 30,
                      "sent": {"mean": 100.0, "p50": 99.0, "p95": 120.0, "max": 121}},
    "exit": {"confidence": "max", "threshold": 0.5, "exit_rate": 0.25, "curve": [POINT]},
    "retuned": {"written": False, **POINT},
    "costed_on": {"source": "estimated"},
    "baselines": {"on": "these", "rows": [{"name": "local", "values": {"accuracy": 0.95, "payload_bytes": 0.0}}]},
}  # fmt: skip


def test_an_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    print_evaluation(EVALUATION, json=False)
    text = capsys.readouterr().out
    for phrase in (
        "40 test images",
        "top-1 0.9000 (95 %: 0.8000 to 0.9500), top-5 0.9900, calibration error 0.0500 (15 bins)",
        "75.0 bytes an image; of the 30 sent: mean 100.0, median 99, 95th percentile 120, most 121",
        "25.00% leave at max >= 0.5",
        "not written (--write does): chosen on validation images, accuracy 0.9000 there, 8.0 ms expected (estimated)",
        "local",
    ):
        assert phrase in text
    nothing = EVALUATION | {"exit": None, "top5": None, "payload_bytes": {"sent": None}}
    print_evaluation(nothing, json=False)
    text = capsys.readouterr().out
    assert "nothing is sent" in text
    assert "leave at" not in text
    print_evaluation(EVALUATION, json=True)
    assert json.loads(capsys.readouterr().out) == EVALUATION


def test_answers(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"image": "a.png", "class_index": 1, "label": "cat", "confidence": 0.9, "answered": "server",
              "payload_bytes": 30, "head_ms": 1.0, "tail_ms": 2.0, "total_ms": 9.5}  # fmt: skip
    print_answers([answer], json=False)
    assert "cat" in capsys.readouterr().out
    print_answers([answer], json=True)
    assert json.loads(capsys.readouterr().out) == {"answers": [answer]}


def test_an_export(capsys: pytest.CaptureFixture[str]) -> None:
    checked = SimpleNamespace(images=40, accuracy_difference=0.0, logits=1e-6, payload_changed=0.0)
    seen = SimpleNamespace(accuracy=0.9, images=40, search_accuracy=0.9, teacher_accuracy=0.95)
    manifest = SimpleNamespace(
        trial=3, backbone="resnet18", files={"head.onnx": ""}, seen=seen, checked=checked,
        payload=SimpleNamespace(max_bytes=30),
    )  # fmt: skip
    print_export(manifest, Path("out"), json=False)
    text = capsys.readouterr().out
    assert "head.onnx, manifest.json" in text
    assert "accuracy differs by 0.0000" in text
    manifest.checked = None
    print_export(manifest, Path("out"), json=False)
    assert "ONNX" not in capsys.readouterr().out
