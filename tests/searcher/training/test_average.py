"""The moving average of weights."""

from typing import Any

import pytest
import torch
from torch import nn

from splitsearch.searcher.training.average import Average, decay_after
from splitsearch.searcher.training.recipe import Recipe


def test_it_is_the_published_sum() -> None:
    layer = nn.Linear(1, 1, bias=False)
    average = Average({"encoder": layer}, 0.5)
    expected, seen = 0.0, [3.0, -1.0, 4.0, 1.0]
    for steps, value in enumerate(seen):
        layer.weight.data.fill_(value)
        average.update()
        decay = decay_after(0.5, steps)
        expected = value if steps == 0 else decay * expected + (1 - decay) * value
    assert float(average.state()["average.encoder.weight"]) == pytest.approx(expected)


def test_the_first_steps_count_more_and_the_decay_is_reached() -> None:
    assert decay_after(0.999, 0) == pytest.approx(0.1)
    assert decay_after(0.9, 1000) == 0.9
    assert [decay_after(0.99, n) for n in range(50)] == sorted(decay_after(0.99, n) for n in range(50))


def test_the_result_is_the_average_and_training_goes_on_with_the_weights(make: Any) -> None:
    averaged, plain = make(decay=0.9), make()
    averaged.advance(5)
    plain.advance(5)
    ours, without = (training.lesson.student.model.stage("encoder").module for training in (averaged, plain))
    assert all(map(torch.equal, ours.parameters(), without.parameters()))
    result = averaged.result.stage("encoder").module
    assert not any(map(torch.equal, result.parameters(), ours.parameters()))
    assert not any(weight.requires_grad for weight in result.parameters())
    assert plain.result is plain.lesson.student.model


def test_the_exit_is_averaged_too_and_what_does_not_learn_is_shared(make: Any) -> None:
    training = make(decay=0.9, exit_cut="0.2")
    training.advance(2)
    model, result = training.lesson.student.model, training.result
    assert result.exit.stage.module is not model.exit.stage.module
    assert result.stage("tail").module is model.stage("tail").module


def test_interrupted_it_is_uninterrupted_bit_by_bit(make: Any) -> None:
    whole, first, second = (make(decay=0.9, recipe=Recipe(epochs=2, batch_size=16, full=True)) for _ in range(3))
    whole.advance(10)
    first.advance(4)
    second.restore(*first.state())
    second.advance(10)
    expected, found = whole.state()[0], second.state()[0]
    assert expected.keys() == found.keys()
    assert any(name.startswith("average.") for name in expected)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
