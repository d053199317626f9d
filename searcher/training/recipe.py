"""How long and how fast a training is: the one record that short trials, rungs and full trainings differ in."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["RUNGS", "Bits", "Recipe"]

RUNGS = (1 / 9, 1 / 3, 1.0)
"""Shares of the short budget after which a trial is judged: geometric, since what is learned grows with its log."""

Bits = int | Literal["own", "drawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A training, short or full.

    Attributes:
        epochs: passes over the training images, over all phases together; the budget is this many samples.
        batch_size: images in one step.
        learning_rate: peak of the short cycles; a full training has the published ones.
        full: whether optimisers and schedules are the published ones, in place of the short ones.
        rungs: increasing shares of the budget, the last one 1; a short training anneals before each of them.
        bits: what the payload is quantised to while training: `own` of the candidate, a number for all, or `drawn` in
            each step from those that share the training.
        half: whether convolutions run in half precision where torch's autocast says so; losses never do.
    """

    epochs: float = 5
    batch_size: int = 64
    learning_rate: float = 3e-3
    full: bool = False
    rungs: tuple[float, ...] = RUNGS
    bits: Bits = "own"
    half: bool = False

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.rungs, self.rungs[1:], strict=False))
        if not self.rungs or not rising or self.rungs[0] <= 0 or self.rungs[-1] != 1:
            raise ValueError(f"rungs must rise to 1, not {self.rungs}")
