"""Exits on the device."""

import math

import pytest
import torch

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.exits import ExitClassifier, confidence, fuse

LOGITS = torch.tensor([[math.log(0.5), math.log(0.3), math.log(0.2)], [0.0, 0.0, 0.0], [100.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("max", [0.5, 1 / 3, 1.0]),
        ("margin", [0.2, 0.0, 1.0]),
        ("entropy", [1 + (0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2)) / math.log(3), 0.0, 1.0]),
    ],
)
def test_confidences_follow_their_formulas(kind: str, expected: list[float]) -> None:
    torch.testing.assert_close(confidence(LOGITS, kind), torch.tensor(expected), atol=1e-6, rtol=1e-5)


def test_an_unknown_confidence_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'margin'"):
        confidence(LOGITS, "margins")


@pytest.mark.parametrize("shape", [(8, 4, 4), (9, 8), (8,), (4, 4, 8)])
def test_an_exit_stands_at_any_tensor(shape: tuple[int, ...]) -> None:
    assert ExitClassifier(shape, 10)(torch.randn(3, *shape)).shape == (3, 10)


def test_an_exit_classifies_the_mean_over_positions() -> None:
    exit_ = ExitClassifier((2, 4, 4), 3)
    x = torch.randn(1, 2, 4, 4)
    torch.testing.assert_close(exit_(x), exit_.classify(x.mean((2, 3))))


def test_fusion_adds_the_weighted_logits_of_the_exit() -> None:
    torch.testing.assert_close(fuse(torch.tensor([[2.0]]), torch.tensor([[1.0]]), 0.5), torch.tensor([[2.0]]))
    torch.testing.assert_close(fuse(torch.tensor([[2.0]]), torch.tensor([[1.0]]), 0.0), torch.tensor([[1.0]]))
