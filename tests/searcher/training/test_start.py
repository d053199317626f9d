"""Where short trainings start."""

from typing import Any

import pytest
import torch

from splitsearch.searcher.training.losses import relative_error
from splitsearch.searcher.training.start import settle_norms, start_from_components


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 4, 16])
def test_principal_components_leave_what_the_spectrum_leaves(training: Any, channels: int) -> None:
    lesson = training(channels=channels, bits=32).lesson
    start_from_components(lesson)
    student, everything = lesson.student, torch.arange(120)
    target = student.target(everything)
    rows = target.permute(0, 2, 3, 1).reshape(-1, 16)
    spectrum = torch.linalg.svdvals(rows - rows.mean(0)).square()
    found = relative_error(
        student.decoder(student.narrow(everything)[0]), target, float((rows - rows.mean(0)).square().mean())
    )
    assert float(found) == pytest.approx(float(spectrum[channels:].sum() / spectrum.sum()), abs=0.02)


def test_settled_norms_fit_what_the_decoder_makes(training: Any) -> None:
    training = training("bottlefit")
    lesson = training.lesson
    start_from_components(lesson)
    norm = next(m for m in lesson.student.tail.modules() if isinstance(m, torch.nn.BatchNorm2d))
    weights = [weight.clone() for weight in lesson.student.tail.parameters()]
    before = norm.running_mean.clone()
    settle_norms(lesson)
    seen: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    student = lesson.student
    student.logits(student.narrow(torch.arange(120))[0])
    mean = seen[0].mean((0, 2, 3))
    assert (norm.running_mean - mean).norm() < 0.2 * (before - mean).norm() + 1e-3
    assert norm.momentum == 0.1
    assert not norm.training
    assert all(map(torch.equal, weights, student.tail.parameters()))


@torch.no_grad()
def test_an_encoder_of_images_starts_nearer_to_the_teacher_than_drawn(training: Any) -> None:
    errors = []
    for start in (False, True):
        lesson = training(head="mimic", channels=4, bits=32).lesson
        student, everything = lesson.student, torch.arange(120)
        if start:
            start_from_components(lesson)
        for module in lesson.on_device:
            module.train()  # statistics of the batch, as in a training's first step
        target = student.target(everything)
        errors.append(
            float(relative_error(student.decoder(student.narrow(everything)[0]), target, lesson.variance("1.2")))
        )
    assert errors[1] < 0.5 * errors[0]
    assert errors[1] < 0.9, "the mean alone leaves 1"
