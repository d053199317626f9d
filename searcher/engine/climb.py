"""One candidate's training from rung to rung: judged at each, kept at each, stopped where it cannot matter any more."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.outputs import Validation, judge, outputs_of
from splitsearch.searcher.training.rungs import Curve, keep, resume
from splitsearch.searcher.training.runner import Training
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["EARLY_IMAGES", "Climb", "Standing", "Stop", "never"]

EARLY_IMAGES = 512
"""Validation images at early rungs, the same ones for every candidate: a standard error of at most 2.2 points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A trial after a rung.

    Attributes:
        trial: its number.
        config: the candidate.
        values: its costs, known since before the training.
        curve: one entry for each rung: `rung` from 0, `samples`, `seconds` since the training began, mean `loss` since
            the rung before, `accuracy` on a fixed part of the validation images, and the ends `low` and `high` of its
            95 % interval.
        family: objectives, accuracy among them, of every candidate that comes with this training, itself first, as they
            would be if it ended here; empty where nobody asked for them.
    """

    trial: int
    config: SplitConfig
    values: dict[str, float]
    curve: Curve
    family: tuple[dict[str, float], ...] = ()


Stop = Callable[[Standing], str | None]
Price = Callable[[SplitConfig, Validation], dict[str, float]]


def never(standing: Standing) -> str | None:
    """No reason to stop."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A training and what it needs to be judged.

    Attributes:
        config: the candidate.
        model: its stages, which the training changes.
        training: of them.
        validation: activations of the validation images.
        labels: of the validation images.
        folder: where checkpoints of rungs are kept.
        who: the training's identity.
        family: the candidates that come with this training, itself first, as the caller knows them.
        price: what one of them costs, given what was validated: its objectives.
    """

    config: SplitConfig
    model: SplitModel
    training: Training
    validation: Activations
    labels: torch.Tensor
    folder: Path
    who: dict[str, Any]
    family: tuple[SplitConfig, ...] = ()
    price: Price = lambda config, found: {"accuracy": found.accuracy}

    def run(self, trial: int, values: dict[str, float], stop: Stop) -> tuple[Curve, str | None]:
        """Trains up to the last rung, from where a checkpoint stands.

        The last rung has no accuracy here: the caller validates on all images.

        Returns:
            The curve, and the reason if the training was stopped at a rung before the last.

        Raises:
            InfeasibleError: the training diverged.
        """
        watch, curve = Stopwatch(), resume(self.folder, self.training, self.who)
        before = curve[-1].get("seconds", 0.0) if curve else 0.0
        bounds = self.training.bounds
        for rung in range(len(curve), len(bounds)):
            loss = self.training.advance(bounds[rung])
            facts: dict[str, float] = {"rung": rung, "samples": self.training.samples, "loss": loss or 0.0}
            if rung == len(bounds) - 1:
                return [*curve, facts | {"seconds": before + watch.seconds}], None
            own, *family = self._judged()
            low, high = wilson_interval(own.accuracy, own.images)
            facts |= {"accuracy": own.accuracy, "low": low, "high": high, "seconds": before + watch.seconds}
            curve = [*curve, facts]
            keep(self.folder, self.training, curve, self.who)
            priced = tuple(self.price(config, found) for config, found in zip(self.family, family, strict=True))
            reason = stop(Standing(trial=trial, config=self.config, values=values, curve=curve, family=priced))
            if reason is not None:
                return curve, reason
        return curve, None

    def _judged(self) -> list[Validation]:
        """The candidate that is trained, then each of the family, on the same images."""
        count = len(self.labels)
        chosen = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:EARLY_IMAGES].sort().values
        student = Student(config=self.config, model=self.model, activations=self.validation)
        wanted = dict.fromkeys((each.bits, each.coding) for each in (self.config, *self.family))
        coded = any(coding != "none" for _, coding in wanted)  # how short, only packing tells
        outputs = outputs_of(student, self.labels, list(wanted), indices=chosen, wire=coded)
        return [judge(each, self.model, outputs) for each in (self.config, *self.family)]
