"""What a full training prints."""

import json
from typing import Any

import pytest

from splitsearch.searcher.cli.trained import print_training

DOCUMENT: dict[str, Any] = {
    "trial": 3, "backbone": "net", "settings": {"trainer": "hnd", "epochs": 20}, "training_images": 100, "seconds": 9.6,
    "best": {"epoch": 7, "accuracy": 0.9, "low": 0.85, "high": 0.95}, "exported": {"accuracy": 0.8},
    "validation_images": 50, "teacher_accuracy": 0.93, "export": "deployed", "training": "deployed/training",
    "refreshed": True,
}  # fmt: skip


def test_a_few_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_training(DOCUMENT, json=False)
    out = capsys.readouterr().out
    assert "Trial 3 of net, hnd: 20 epochs of 100 images in 10 s" in out
    assert "Validation accuracy 0.9000 (95 %: 0.8500 to 0.9500) after epoch 7" in out
    assert "as exported 0.8000, teacher 0.9300" in out
    assert "The weights are in deployed; epochs and checkpoints in deployed/training" in out


def test_weights_that_were_worse_are_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    print_training(DOCUMENT | {"refreshed": False, "export": "deployed/training/trained"}, json=False)
    assert "The exported weights were better and stay; the trained ones are in deployed/tr" in capsys.readouterr().out


def test_one_document_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    print_training(DOCUMENT, json=True)
    assert json.loads(capsys.readouterr().out) == DOCUMENT
