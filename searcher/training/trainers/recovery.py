"""How a tail learns, in every trainer: from labels and the teacher's answers, members of a division with one another.

A pruned or shrunk tail and one that is only tuned learn by the same loss. The members of a divided tail are co-trained
(SplitNet; Zhao et al., 2022): their losses are summed, their disagreement is added with a weight that rises to one
half, each sees a view of its own, and decay and dropout are divided among them.
"""

from dataclasses import replace

import torch
from torch import nn

from splitsearch.searcher.training.losses import answer_loss
from splitsearch.searcher.training.phases import Batch, Optimiser, Phase, optimiser_of
from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.model import Lanes
from splitsearch.spaces.variants.division import divided_dropout, divided_weight_decay

__all__ = ["AGREEMENT", "WARM_UP", "agreement", "divide_dropout", "recovery"]

AGREEMENT = 0.5
WARM_UP = 40 / 300
"""Share of the training over which the agreement's weight rises: 40 of 300 epochs."""
_LEAST = 0.005
_TUNING = Optimiser(kind="sgd", learning_rate=1e-3, weight_decay=5e-4, shape="steps", milestones=(0.5,))
_SLOWER = 0.3  # weights that were trained for hundreds of epochs take smaller steps than new ones


def agreement(share: float) -> float:
    """Weight of the members' disagreement when this share of the training lies behind."""
    return AGREEMENT if share >= WARM_UP else max(AGREEMENT * share / WARM_UP, _LEAST)


def divide_dropout(tail: nn.Module) -> None:
    """Divides the probabilities of a division's dropout layers among its members: p / S, as before a classifier."""
    if isinstance(tail, Lanes):
        for layer in tail.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = divided_dropout(layer.p, len(tail.lanes), "linear")


def recovery(
    lesson: Lesson,
    *,
    share: float,
    device_too: bool = False,
    teacher: bool = True,
    published: Optimiser = _TUNING,
    name: str = "tune",
) -> Phase:
    """Decoder and tail learn to answer.

    Args:
        lesson: whose.
        share: of the samples.
        device_too: whether the device's side learns along; else it is frozen.
        teacher: whether the teacher's answers are half of the loss, or the labels are all of it.
        published: the optimiser of a full training.
        name: for the curve.
    """
    student = lesson.student
    members = student.members

    def loss(batch: Batch) -> torch.Tensor:
        answers = lesson.answers(batch, frozen=not device_too)
        known = student.teacher_logits(batch.indices, lesson.view(batch)) if teacher else None
        return answer_loss(answers, lesson.labels(batch), known, agreement=agreement(batch.share))

    optimiser = optimiser_of(lesson.recipe, published, gain=1.0 if lesson.foreign_tail else _SLOWER)
    return Phase(
        name=name,
        share=share,
        learning=(*(lesson.on_device if device_too else ()), student.decoder, student.tail),
        loss=loss,
        optimiser=_divided(optimiser, members),
    )


def _divided(optimiser: Optimiser, members: int) -> Optimiser:
    if members == 1:
        return optimiser
    return replace(optimiser, weight_decay=divided_weight_decay(optimiser.weight_decay, members, "exp"))
