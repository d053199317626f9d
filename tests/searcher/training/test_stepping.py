"""Gradients of a batch, in parts and over processes."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from splitsearch.searcher.training.phases import Batch, Optimiser, Phase
from splitsearch.searcher.training.processes import Processes
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.stepping import Stepper, Stepping


class Lesson:
    """A line through points, without an exit."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.recipe = Recipe()
        self.layer = nn.Linear(3, 1)
        self.x, self.y = torch.randn(10, 3), torch.randn(10, 1)

    def exit_loss(self, batch: Batch) -> None:
        return None

    def loss(self, batch: Batch) -> torch.Tensor:
        return (self.layer(self.x[batch.indices]) - self.y[batch.indices]).square().mean()


class Sharing(Processes):
    """One of several processes, whose sums are taken elsewhere."""

    def total(self, values: list[float]) -> list[float]:  # type: ignore[override]
        return list(values)


def gradients(scale: float | None = None, **how: Any) -> tuple[float, torch.Tensor]:
    lesson: Any = Lesson()
    phase = Phase(
        name="fit", share=1.0, learning=(lesson.layer,), loss=lesson.loss,
        optimiser=Optimiser(kind="adam", learning_rate=0.1),
    )  # fmt: skip
    stepper = Stepper(lesson, Stepping(**how))
    if scale is not None:
        stepper.restore({"scaler.scale": torch.tensor(scale)})
    if "processes" in how:  # DistributedDataParallel needs the others to be there
        stepper._losses = lambda phase, modules: lambda batch: stepper._compute(phase, batch)  # type: ignore[method-assign]
    batch = Batch(indices=torch.tensor([7, 1, 2, 9, 4, 5, 0]), epoch=0, share=0.0, draw=1)
    loss = stepper.gradients(phase, batch, [lesson.layer])
    return loss, lesson.layer.weight.grad.clone()


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_parts_sum_to_the_gradient_of_the_whole(parts: int) -> None:
    loss, expected = gradients()
    found, gradient = gradients(accumulate=parts)
    assert found == pytest.approx(loss)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize(("count", "parts"), [(2, 1), (3, 1), (2, 2)])
def test_processes_average_to_the_gradient_of_the_whole(count: int, parts: int) -> None:
    """Shares of 4 and 3 images weigh by their images; DistributedDataParallel averages what each process has."""
    loss, expected = gradients()
    each = [gradients(accumulate=parts, processes=Sharing(rank=rank, count=count)) for rank in range(count)]
    assert sum(found for found, _ in each) == pytest.approx(loss)
    torch.testing.assert_close(torch.stack([gradient for _, gradient in each]).mean(0), expected)


def test_parts_are_dealt_as_processes_deal_them() -> None:
    batch = torch.tensor([7, 1, 2, 9, 4, 5, 0, 3])

    def seen(parts: int, processes: Processes) -> list[list[int]]:
        found: list[list[int]] = []
        lesson: Any = Lesson()

        def loss(part: Batch) -> torch.Tensor:
            found.append(part.indices.tolist())
            return Lesson.loss(lesson, part)

        adam = Optimiser(kind="adam", learning_rate=0.1)
        phase = Phase(name="fit", share=1.0, learning=(lesson.layer,), loss=loss, optimiser=adam)
        stepper = Stepper(lesson, Stepping(accumulate=parts, processes=processes))
        stepper._losses = lambda phase, modules: lambda part: stepper._compute(phase, part)  # type: ignore[method-assign]
        stepper.gradients(phase, Batch(indices=batch, epoch=0, share=0.0, draw=1), [lesson.layer])
        return found

    alone = seen(4, Processes())
    assert alone == [[7, 4], [1, 5], [2, 0], [9, 3]]
    assert [seen(1, Sharing(rank=rank, count=4))[0] for rank in range(4)] == alone
    pairs = [seen(2, Sharing(rank=rank, count=2)) for rank in range(2)]
    assert sorted(part for pair in pairs for part in pair) == sorted(alone)


@pytest.mark.parametrize(("precision", "scale"), [(torch.bfloat16, None), (torch.float16, 8.0)])
def test_half_precision_has_the_gradient_to_two_digits(precision: torch.dtype, scale: float | None) -> None:
    _, expected = gradients()
    _, found = gradients(scale, precision=precision)
    assert not torch.equal(found / (scale or 1.0), expected)
    torch.testing.assert_close(found / (scale or 1.0), expected, rtol=0.05, atol=0.02)


def test_the_factor_of_float16_is_kept() -> None:
    lesson: Any = Lesson()
    first, second = (Stepper(lesson, Stepping(precision=torch.float16)) for _ in range(2))
    layer, optimiser = lesson.layer, torch.optim.SGD(lesson.layer.parameters(), 0.1)
    layer.weight.grad, layer.bias.grad = torch.full((1, 3), float("inf")), torch.zeros(1)
    first._scaler.scale(torch.zeros(()))
    before = layer.weight.clone()
    first.step(optimiser)
    assert torch.equal(layer.weight, before)  # a step that overflowed is left out
    second.restore(first.state())
    assert second._scaler.get_scale() == first._scaler.get_scale() == 2.0**15
    assert Stepper(lesson, Stepping()).state() == {}


def test_a_training_in_parts_sees_the_same_images(make: Any) -> None:
    """Norm layers see the parts, so that the numbers are near and not equal; without them they are equal."""
    whole, parts = (make(stepping=Stepping(accumulate=count)) for count in (1, 2))
    losses = [training.advance(6) for training in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
    assert whole.samples == parts.samples


def test_a_recipe_s_own_precision_still_counts() -> None:
    lesson: Any = Lesson()
    lesson.recipe = replace(Recipe(), half=True)
    assert Stepper(lesson, Stepping())._precision == torch.bfloat16
