"""Generalised head network distillation (Matsubara and Levorato, 2021): several layers match, the tail is frozen.

The head alone learns, from errors at the cut and behind it: what the frozen tail makes of a restored tensor counts, so
that the errors that the tail forgives cost nothing. Each term is relative to its own tensor's variance and they weigh
the same; in the published sum, a layer weighs by its elements times their variance.
"""

import torch

from splitsearch.searcher.training.losses import relative_error
from splitsearch.searcher.training.phases import Batch, Optimiser, Phase, optimiser_of
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.start import start_from_components
from splitsearch.searcher.training.tap import matched_cuts, run_tapped, tapped
from splitsearch.searcher.training.trainer import TRAINERS, Trainer
from splitsearch.searcher.training.trainers.hnd import PUBLISHED, imitation, with_recovery
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["matching"]


def matching(lesson: Lesson, *, share: float = 1.0, published: Optimiser = PUBLISHED) -> Phase:
    """Encoder and decoder learn the teacher's tensors at the cut and behind it, through a tail that stays.

    `published` is the optimiser of a full training.
    """
    student, cuts = lesson.student, matched_cuts(lesson)
    if not cuts:
        return imitation(lesson, share=share, published=published)
    tail = student.tail
    assert isinstance(tail, torch.fx.GraphModule)
    through = tapped(tail, [cut.node for cut in cuts])

    def loss(batch: Batch) -> torch.Tensor:
        view = lesson.view(batch)
        joint = student.decoder(lesson.received(batch))
        places = (student.config.cut, *(cut.name for cut in cuts))
        made = (joint, *run_tapped(through, joint)[:-1])
        errors = [
            relative_error(own, student.target(batch.indices, view, place), lesson.variance(place))
            for place, own in zip(places, made, strict=True)
        ]
        return torch.stack(errors).mean()

    return Phase(
        name="match",
        share=share,
        learning=(*lesson.on_device, student.decoder),
        loss=loss,
        optimiser=optimiser_of(lesson.recipe, published),
        start=lambda: start_from_components(lesson),
    )


def phases(lesson: Lesson) -> list[Phase]:
    """Matching of several layers."""
    return with_recovery(lesson, matching)


TRAINERS.register("ghnd")(
    Trainer(phases=phases, changes=(), published=Recipe(full=True, rungs=(1.0,), epochs=20, batch_size=64))
)
