"""Co-training of a division's members."""

import math
from typing import Any

import pytest

from splitsearch.searcher.training.distill import TRAINERS


def test_the_published_recipe_with_its_decay_divided(training: Any) -> None:
    trainer = TRAINERS.get("cotrain")
    (phase,) = trainer.phases(training("cotrain", trainer.published, division=2).lesson)
    optimiser = phase.optimiser
    assert (optimiser.kind, optimiser.nesterov, optimiser.learning_rate, optimiser.shape) == (
        "sgd",
        True,
        0.1,
        "cosine",
    )
    assert optimiser.weight_decay == pytest.approx(1e-4 * math.exp(1 / 2 - 1))
    assert (trainer.published.epochs, trainer.published.batch_size) == (300, 128)
    (whole,) = trainer.phases(training("cotrain", trainer.published).lesson)
    assert whole.optimiser.weight_decay == 1e-4
