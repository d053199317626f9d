"""Losses in closed form."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from splitsearch.searcher.training.losses import answer_loss, disagreement, relative_error


def test_the_mean_alone_has_an_error_of_one_whatever_the_batch_and_the_scale() -> None:
    torch.manual_seed(0)
    for count, scale in ((4, 1.0), (32, 1.0), (32, 1e3)):
        target = scale * torch.randn(count, 3, 5, 5)
        mean = target.mean().expand_as(target)
        assert float(relative_error(mean, target, float(target.var(unbiased=False)))) == pytest.approx(1, rel=1e-4)


@given(st.integers(0, 10**6), st.integers(2, 5))
def test_disagreement_lies_between_nothing_and_the_log_of_the_members(seed: int, members: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    answers = [20 * torch.randn(3, 4, generator=generator) for _ in range(members)]
    assert -1e-5 <= float(disagreement(answers)) <= math.log(members) + 1e-5


def test_disagreement_of_equals_is_nothing_and_of_opposites_log_two() -> None:
    sure = torch.tensor([[1e4, 0.0]])  # probabilities of exactly 1 and 0: a plain logarithm would give NaN
    assert float(disagreement([sure, sure])) == pytest.approx(0, abs=1e-6)
    assert float(disagreement([sure, sure.flip(1)])) == pytest.approx(math.log(2))


def test_one_member_learns_half_from_labels_and_half_from_the_teacher() -> None:
    torch.manual_seed(0)
    answer, teacher, labels = torch.randn(6, 3), torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    hard = functional.cross_entropy(answer, labels)
    p = teacher.softmax(1)
    soft = (p * (p.log() - answer.log_softmax(1))).sum(1).mean()
    assert float(answer_loss([answer], labels, teacher)) == pytest.approx(float(0.5 * hard + 0.5 * soft))
    assert float(answer_loss([answer], labels, None)) == pytest.approx(float(hard))


def test_members_are_summed_and_their_disagreement_is_weighed() -> None:
    torch.manual_seed(0)
    answers, labels = [torch.randn(6, 3), torch.randn(6, 3)], torch.tensor([0, 1, 2, 0, 1, 2])
    single = sum(float(functional.cross_entropy(answer, labels)) for answer in answers)
    expected = single + 0.5 * float(disagreement(answers))
    assert float(answer_loss(answers, labels, None, agreement=0.5)) == pytest.approx(expected)
