"""Generalised head network distillation."""

from typing import Any

import pytest
import torch

from splitsearch.searcher.training.phases import Batch
from splitsearch.searcher.training.trainers.ghnd import matching
from splitsearch.searcher.training.trainers.hnd import imitation

BATCH = Batch(indices=torch.arange(16), epoch=0, share=0.0, draw=0)


@torch.no_grad()
def test_the_loss_is_the_mean_of_the_layers_relative_errors(training: Any) -> None:
    lesson = training("ghnd", cut="0.2").lesson
    student = lesson.student
    loss = float(matching(lesson).loss(BATCH).detach())
    joint = student.decoder(lesson.received(BATCH))
    seen = [joint]
    parts = dict(student.tail.named_modules())
    for name in ("1.2", "2.2"):
        parts[name].register_forward_hook(lambda _, args, out: seen.append(out))
    student.tail(joint)
    errors = [
        float((own - student.target(BATCH.indices, cut=cut)).square().mean()) / lesson.variance(cut)
        for own, cut in zip(seen, ("0.2", "1.2", "2.2"), strict=True)
    ]
    assert loss == pytest.approx(sum(errors) / 3, rel=1e-4)


def test_at_the_last_map_it_is_plain_imitation(training: Any) -> None:
    lesson = training("ghnd", cut="2.2").lesson
    assert matching(lesson).name == imitation(lesson).name == "imitate"
