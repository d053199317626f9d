"""Head network distillation (Matsubara et al., 2020): the new head gives what the teacher's head gives.

The squared error to the teacher's activation at the cut is the whole loss, and the tail stays as it is. A tail that is
not the teacher's own (divided, pruned, shrunk) cannot answer for an imitated activation: it learns afterwards.
"""

from collections.abc import Callable

import torch

from splitsearch.searcher.training.losses import relative_error
from splitsearch.searcher.training.phases import Batch, Optimiser, Phase, optimiser_of
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.start import start_from_components
from splitsearch.searcher.training.trainer import TRAINERS, Trainer
from splitsearch.searcher.training.trainers.recovery import recovery
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["PUBLISHED", "imitation", "with_recovery"]

PUBLISHED = Optimiser(kind="adam", learning_rate=1e-3, shape="steps", milestones=(0.25, 0.5, 0.75))
"""Adam divides a gradient by its own root mean square, so the published sum of squared errors and the relative error
here are one training at one rate, up to Adam's epsilon."""


def imitation(lesson: Lesson, *, share: float = 1.0, published: Optimiser = PUBLISHED) -> Phase:
    """Encoder and decoder learn the teacher's tensor at the cut; `published` is the optimiser of a full training."""
    student, cut = lesson.student, lesson.student.config.cut

    def loss(batch: Batch) -> torch.Tensor:
        imitated = student.decoder(lesson.received(batch))
        return relative_error(imitated, student.target(batch.indices, lesson.view(batch)), lesson.variance(cut))

    return Phase(
        name="imitate",
        share=share,
        learning=(*lesson.on_device, student.decoder),
        loss=loss,
        optimiser=optimiser_of(lesson.recipe, published),
        start=lambda: start_from_components(lesson),
    )


def with_recovery(lesson: Lesson, step: Callable[..., Phase]) -> list[Phase]:
    """A step against the teacher's tensors, and the recovery of a tail that is not the teacher's.

    Args:
        lesson: of the candidate.
        step: makes the phase, given the lesson and its `share`.
    """
    if not lesson.imitates:
        return [recovery(lesson, share=1.0, device_too=True)]
    if lesson.foreign_tail:
        return [step(lesson, share=0.5), recovery(lesson, share=0.5)]
    return [step(lesson)]


def phases(lesson: Lesson) -> list[Phase]:
    """Imitation at the cut."""
    return with_recovery(lesson, imitation)


_FULL = Recipe(full=True, rungs=(1.0,), epochs=20, batch_size=32)
TRAINERS.register("hnd")(Trainer(phases=phases, changes=(), published=_FULL))
