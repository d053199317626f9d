"""Knowledge distillation."""

from typing import Any

from splitsearch.searcher.training.distill import TRAINERS


def test_everything_learns_under_the_published_optimiser(training: Any) -> None:
    trainer = TRAINERS.get("kd")
    made = training("kd", trainer.published)
    assert set(made.learned()) == {"head", "encoder", "decoder", "tail"}
    (phase,) = trainer.phases(made.lesson)
    assert (phase.optimiser.kind, phase.optimiser.learning_rate, phase.optimiser.weight_decay) == ("sgd", 1e-3, 1e-4)
    assert (trainer.published.epochs, trainer.published.batch_size) == (20, 32)
