"""Head network distillation."""

from typing import Any

import torch

from splitsearch.searcher.training.distill import TRAINERS
from splitsearch.searcher.training.trainers.hnd import PUBLISHED


def test_only_encoder_and_decoder_learn(training: Any) -> None:
    made = training("hnd")
    made.advance(made.bounds[-1])
    assert set(made.learned()) == {"encoder", "decoder"}


def test_a_tail_of_its_own_learns_afterwards(training: Any) -> None:
    lesson = training("hnd", tail_pruning=0.5).lesson
    names = [phase.name for phase in TRAINERS.get("hnd").phases(lesson)]
    assert names == ["imitate", "tune"]
    divided = training("hnd", division=2).lesson  # its lanes meet in a tensor that the teacher has not
    assert [phase.name for phase in TRAINERS.get("hnd").phases(divided)] == ["tune"]


def test_adam_makes_the_published_sum_and_the_relative_error_one_training() -> None:
    assert PUBLISHED.kind == "adam"
    found = []
    for scale in (1.0, 1e4):  # a sum over batch and elements in place of their mean
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(5))
        optimiser = torch.optim.Adam([weight], PUBLISHED.learning_rate)
        for step in range(20):
            optimiser.zero_grad()
            (scale * (weight - step).square().mean()).backward()
            optimiser.step()
        found.append(weight.detach())
    assert torch.allclose(found[0], found[1], atol=1e-6)
