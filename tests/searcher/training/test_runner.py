"""Steps of a training."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.training.phases import Optimiser, Phase
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.runner import Training
from splitsearch.spaces.errors import InfeasibleError


@given(st.integers(1, 400), st.integers(3, 40))
def test_every_rung_has_a_step_of_its_own(count: int, epochs: int) -> None:
    class Lesson:
        recipe, seed = Recipe(epochs=epochs, batch_size=64), 0

    lesson: Any = Lesson()
    lesson.count = count
    adamw = Optimiser(kind="adamw", learning_rate=0.1)
    phase = Phase(name="a", share=1.0, learning=(), loss=lambda batch: torch.zeros(()), optimiser=adamw)
    training = Training(lesson, [phase])
    assert [a < b for a, b in zip([0, *training.bounds], training.bounds, strict=False)] == [True] * 3


def test_rungs_are_reached_after_their_share_of_the_samples(training: Any) -> None:
    made = training(recipe=Recipe(epochs=9, batch_size=12))  # 10 steps in an epoch
    assert made.bounds == [10, 30, 90]
    made.advance(made.bounds[0])
    assert made.samples == 120


def test_only_what_learns_moves_and_gradients_come_back(training: Any) -> None:
    made = training("ghnd")
    tail = made.lesson.student.tail
    before = [weight.clone() for weight in tail.parameters()]
    made.advance(3)
    assert all(map(torch.equal, before, tail.parameters()))
    assert all(weight.requires_grad and weight.grad is None for weight in tail.parameters())


@pytest.mark.parametrize("trainer", ["bottlefit", "naive", "hnd"])
@pytest.mark.parametrize("stop", [1, 5, 11])
@pytest.mark.parametrize("full", [False, True])
def test_interrupted_is_uninterrupted_bit_by_bit(training: Any, trainer: str, stop: int, full: bool) -> None:
    recipe = Recipe(epochs=3, batch_size=16, full=full)
    whole = training(trainer, recipe, exit_cut="0.2")
    whole.advance(whole.bounds[-1])
    first = training(trainer, recipe, exit_cut="0.2")
    first.advance(stop)
    second = training(trainer, recipe, exit_cut="0.2")
    second.restore(*first.state())
    torch.rand(7)  # what else drew random numbers does not matter
    second.advance(second.bounds[-1])
    expected, found = whole.state()[0], second.state()[0]
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_loss_that_is_no_number_ends_the_training(training: Any) -> None:
    made = training()
    with torch.no_grad():
        made.lesson.student.decoder.linear.weight.fill_(float("nan"))
    made.step = 1  # the start would have set the weights
    with pytest.raises(InfeasibleError, match="the training diverged: loss nan after 16 samples"):
        made.advance(3)


def test_bfloat16_learns_the_same_to_two_digits(training: Any) -> None:
    losses = [training(recipe=Recipe(epochs=3, batch_size=16, half=half)).advance(18) for half in (False, True)]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_norm_statistics_of_the_first_batches_are_their_mean(training: Any) -> None:
    made = training()
    norm = next(m for m in made.lesson.student.decoder.modules() if isinstance(m, torch.nn.BatchNorm2d))
    means: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda _, args: means.append(args[0].detach().mean((0, 2, 3))))
    made.advance(2)
    assert len(means) == 2
    assert torch.allclose(norm.running_mean, torch.stack(means).mean(0), atol=1e-5)
    assert norm.momentum == 0.1


@pytest.mark.parametrize("stop", [1, 3, 6, 7])
def test_a_training_ends_after_the_step_that_asks_for_it(training: Any, stop: int) -> None:
    """Six steps are a phase: its optimiser must be gone when the next one begins."""
    recipe = Recipe(epochs=2, batch_size=20, full=True)
    whole, halted = training("bottlefit", recipe), training("bottlefit", recipe)
    losses: list[float] = []
    assert halted.advance(12, lambda loss: losses.append(loss) or len(losses) == stop) == sum(losses) / stop
    assert (halted.step, halted.phase) == (stop, "match" if stop <= 6 else "tune")
    halted.advance(12)
    whole.advance(12)
    expected, found = whole.state()[0], halted.state()[0]
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert halted.learning_rate == pytest.approx(1e-4)
