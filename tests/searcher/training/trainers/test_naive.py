"""Training without a teacher."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from splitsearch.searcher.training.distill import TRAINERS
from splitsearch.searcher.training.phases import Batch


def test_the_loss_is_the_cross_entropy_alone(training: Any) -> None:
    lesson = training("naive").lesson
    batch = Batch(indices=torch.arange(16), epoch=0, share=0.5, draw=0)
    (phase,) = TRAINERS.get("naive").phases(lesson)
    logits = lesson.answers(batch)[0]
    expected = functional.cross_entropy(logits, lesson.labels(batch)).item()
    assert phase.loss(batch).item() == pytest.approx(expected)
