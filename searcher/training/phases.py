"""A training as data: what learns, from which loss, under which optimiser, for which share of the samples."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from splitsearch.searcher.training.recipe import Recipe

__all__ = ["SHORT", "Batch", "Optimiser", "Phase", "optimiser_of", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one step sees.

    Attributes:
        indices: (N,) int64, of the training images.
        epoch: number of the pass over the images, from 0; it chooses the view of them.
        share: of the whole training that lies behind, in [0, 1).
        draw: a random number of this step, the same however often the training was interrupted.
    """

    indices: torch.Tensor
    epoch: int
    share: float
    draw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """How weights move.

    Attributes:
        kind: `adamw` (decay decoupled), `adam`, or `sgd` with momentum 0.9.
        learning_rate: the peak.
        weight_decay: of all that learns.
        nesterov: of `sgd`.
        shape: of the learning rate over the phase: `cycle`, up for 30 % and down to nothing along cosines (Smith and
            Topin, 2018); `steps`, times 0.1 at each milestone; `cosine`, with a linear warm-up to the first milestone.
        milestones: shares of the phase.
        floor: least factor of `cosine`.
    """

    kind: Literal["adamw", "adam", "sgd"]
    learning_rate: float
    weight_decay: float = 0.0
    nesterov: bool = False
    shape: Literal["cycle", "steps", "cosine"] = "cycle"
    milestones: tuple[float, ...] = ()
    floor: float = 0.0


SHORT = 1e-4
"""Where a cycle ends, as a factor of its peak: small enough that the last steps only average."""


def rate(optimiser: Optimiser, share: float) -> float:
    """The learning rate.

    Args:
        optimiser: whose.
        share: of the phase that lies behind, in [0, 1].
    """
    peak = optimiser.learning_rate
    if optimiser.shape == "steps":
        return peak * 0.1 ** sum(share >= milestone for milestone in optimiser.milestones)
    if optimiser.shape == "cosine":
        warm = optimiser.milestones[0] if optimiser.milestones else 0.0
        if share < warm:
            return peak * max(0.05, share / warm)
        return peak * _fall((share - warm) / max(1e-12, 1 - warm), optimiser.floor)
    if share < 0.3:
        return peak * (1 - _fall(share / 0.3, 1 / 25) + 1 / 25)
    return peak * _fall((share - 0.3) / 0.7, SHORT)


def _fall(share: float, floor: float) -> float:
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def optimiser_of(recipe: Recipe, published: Optimiser, *, gain: float = 1.0) -> Optimiser:
    """The published optimiser for a full training, for a short one AdamW under one cycle.

    Args:
        recipe: short or full.
        published: for the full training.
        gain: of the short learning rate; what starts from weights that are good already takes smaller steps.
    """
    if recipe.full:
        return published
    return Optimiser(
        kind="adamw", learning_rate=recipe.learning_rate * gain, weight_decay=published.weight_decay, shape="cycle"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of a training.

    Attributes:
        name: for the curve.
        share: of the samples of its cycle; the shares of all phases sum to 1.
        learning: modules whose weights move and whose norm layers see batches; all others stay as they are.
        loss: of a batch, a scalar, a mean over images.
        optimiser: how the weights move.
        start: is called once, before the first step of the phase.
    """

    name: str
    share: float
    learning: tuple[nn.Module, ...]
    loss: Callable[[Batch], torch.Tensor]
    optimiser: Optimiser
    start: Callable[[], None] | None = None
