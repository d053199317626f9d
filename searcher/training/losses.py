"""What students are told: the errors to a teacher's tensors, to its answers, to labels, and to one another.

The published distillation losses sum squared errors over batch and elements, so that their scale grows with the batch
and the tensor. Here an imitation's error is the mean over both, divided by the variance of the teacher's tensor: 1 is
what the mean alone would leave, whatever the cut, the width and the batch.
"""

from collections.abc import Sequence

import torch
from torch.nn import functional

__all__ = ["answer_loss", "disagreement", "relative_error"]


def relative_error(imitation: torch.Tensor, target: torch.Tensor, variance: float) -> torch.Tensor:
    """Mean squared error over the variance of the target, a scalar in float32.

    Args:
        imitation: (N, ...).
        target: the same shape.
        variance: of the target's elements around their channels' means, above 0.
    """
    return (imitation.float() - target.float()).square().mean() / variance


def disagreement(answers: Sequence[torch.Tensor]) -> torch.Tensor:
    """Jensen-Shannon divergence of the members' answers, a scalar in [0, log S]; SplitNet (Zhao et al., 2022), Eq. 4.

    Args:
        answers: S tensors of logits (N, K).
    """
    logs = torch.stack([answer.float().log_softmax(1) for answer in answers])
    shares = logs.exp()
    mean = shares.mean(0)
    # xlogy is 0 where a probability is 0: the published logarithm has no such guard.
    entropies = -(shares * logs).sum(2).mean(0)
    found: torch.Tensor = (entropies.neg() - torch.special.xlogy(mean, mean).sum(1)).mean()
    return found


def answer_loss(
    answers: Sequence[torch.Tensor],
    labels: torch.Tensor,
    teacher: torch.Tensor | None,
    *,
    agreement: float = 0.0,
) -> torch.Tensor:
    """What the answers of one network, or of the members of a division, leave to be desired.

    Each member's loss is the cross-entropy to the labels, and with a teacher half of it and half of the divergence
    from the teacher's probabilities at temperature 1 (Hinton et al., 2015; the factor of T^2 is then 1). Members are
    summed, not averaged (SplitNet), and their disagreement is added.

    Args:
        answers: S tensors of logits (N, K).
        labels: (N,) int64.
        teacher: logits (N, K), None to learn from labels alone.
        agreement: weight of the disagreement.
    """
    losses = [_member_loss(answer.float(), labels, teacher) for answer in answers]
    total: torch.Tensor = torch.stack(losses).sum()
    return total + agreement * disagreement(answers) if agreement and len(answers) > 1 else total


def _member_loss(answer: torch.Tensor, labels: torch.Tensor, teacher: torch.Tensor | None) -> torch.Tensor:
    hard = functional.cross_entropy(answer, labels)
    if teacher is None:
        return hard
    soft = functional.kl_div(answer.log_softmax(1), teacher.float().softmax(1), reduction="batchmean")
    return 0.5 * hard + 0.5 * soft
