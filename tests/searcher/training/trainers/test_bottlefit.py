"""BottleFit's two stages."""

from typing import Any

import pytest
import torch

from splitsearch.searcher.training.distill import TRAINERS, Recipe


@pytest.mark.parametrize(
    ("trainer", "encoder_moves"),
    [("bottlefit", True), ("bottlefit_frozen", False), ("bottlefit_labels", True), ("bottlefit_frozen_labels", False)],
)
def test_the_second_stage_tunes_the_tail_and_the_encoder_unless_frozen(
    training: Any, trainer: str, encoder_moves: bool
) -> None:
    made = training(trainer, Recipe(epochs=2, batch_size=16, rungs=(1.0,)))
    steps = made.bounds[-1]
    made.advance(steps // 2)
    encoder = {key: value for key, value in made.state()[0].items() if key.startswith("encoder.")}
    tail = {key: value for key, value in made.state()[0].items() if key.startswith("tail.")}
    made.advance(steps)
    after = made.state()[0]
    assert any(not torch.equal(value, after[key]) for key, value in tail.items())
    assert any(not torch.equal(value, after[key]) for key, value in encoder.items()) == encoder_moves


def test_the_full_recipe_is_the_published_one(training: Any) -> None:
    trainer = TRAINERS.get("bottlefit")
    assert (trainer.published.epochs, trainer.published.batch_size) == (20, 64)
    first, second = trainer.phases(training("bottlefit", trainer.published, cut="0.2").lesson)
    assert (first.name, first.share, first.optimiser.kind, first.optimiser.learning_rate) == (
        "match",
        0.5,
        "adam",
        1e-3,
    )
    assert (second.share, second.optimiser.kind, second.optimiser.learning_rate) == (0.5, "sgd", 1e-3)
    assert (second.optimiser.weight_decay, second.optimiser.milestones) == (5e-4, (0.5,))


def test_each_stage_s_rate_falls_once_halfway(training: Any) -> None:
    trainer = TRAINERS.get("bottlefit")
    phases = trainer.phases(training("bottlefit", trainer.published, cut="0.2").lesson)
    assert [(phase.optimiser.shape, phase.optimiser.milestones) for phase in phases] == [("steps", (0.5,))] * 2
