"""How tails learn."""

from typing import Any

import pytest
import torch
from torch import nn

from splitsearch.searcher.training.losses import answer_loss
from splitsearch.searcher.training.phases import Batch
from splitsearch.searcher.training.trainers.recovery import agreement, divide_dropout, recovery
from splitsearch.spaces.model import Lanes

BATCH = Batch(indices=torch.arange(16), epoch=0, share=0.05, draw=0)


def test_the_agreements_weight_rises_to_one_half() -> None:
    assert agreement(0.0) == 0.005
    assert agreement(20 / 300) == pytest.approx(0.25)
    assert agreement(40 / 300) == agreement(1.0) == 0.5


def test_members_of_a_division_are_cotrained_and_distilled(training: Any) -> None:
    lesson = training(division=2).lesson
    answers = lesson.answers(BATCH)
    assert len(answers) == 2
    teacher = lesson.student.teacher_logits(BATCH.indices)
    expected = answer_loss(answers, lesson.labels(BATCH), teacher, agreement=agreement(0.05))
    assert recovery(lesson, share=1.0).loss(BATCH).item() == pytest.approx(expected.item())


def test_a_frozen_device_gets_no_gradients(training: Any) -> None:
    lesson = training("bottlefit").lesson
    recovery(lesson, share=1.0).loss(BATCH).backward()
    assert all(weight.grad is None for module in lesson.on_device for weight in module.parameters())
    assert all(weight.grad is not None for weight in lesson.student.tail.parameters())


def test_dropout_is_divided_among_members_alone() -> None:
    lanes = Lanes([nn.Sequential(nn.Dropout(0.2)), nn.Sequential(nn.Dropout(0.2))], entry=None, leave=None)
    divide_dropout(lanes)
    assert [layer.p for layer in lanes.modules() if isinstance(layer, nn.Dropout)] == [0.1, 0.1]
    single = nn.Sequential(nn.Dropout(0.2))
    divide_dropout(single)
    assert single[0].p == 0.2
