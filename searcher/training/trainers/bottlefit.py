"""BottleFit (Matsubara et al., 2022): first the head matches the teacher through a frozen tail, then the tail is tuned.

The first half of the samples is generalised head network distillation. In the second half decoder and tail learn from
labels and the teacher's answers, and the encoder with them; `bottlefit_frozen` keeps the encoder, so that one encoder
serves several tails, and `bottlefit_labels` learns from labels alone; `bottlefit_frozen_labels` does both.

A short training imitates at the cut alone in its first half: the matched layers cost a pass through the tail and back,
and the second half, which follows within the same cycle, tells the tail's needs anyway.
"""

from collections.abc import Callable

from splitsearch.searcher.training.phases import Optimiser, Phase
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.trainer import TRAINERS, Trainer
from splitsearch.searcher.training.trainers.ghnd import matching
from splitsearch.searcher.training.trainers.hnd import imitation
from splitsearch.searcher.training.trainers.recovery import recovery
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["two_stages"]


def two_stages(*, frozen: bool = False, teacher: bool = True, match: bool = False) -> Callable[[Lesson], list[Phase]]:
    """Makes the phases of one variant.

    Args:
        frozen: whether the encoder stays as the first stage left it.
        teacher: whether the second stage hears the teacher's answers beside the labels.
        match: whether a short training matches several layers too, as a full one does.
    """

    def phases(lesson: Lesson) -> list[Phase]:
        if not lesson.imitates:
            return [recovery(lesson, share=1.0, device_too=True, teacher=teacher)]
        first = (matching if match or lesson.recipe.full else imitation)(lesson, share=0.5, published=_FIRST)
        return [first, recovery(lesson, share=0.5, device_too=not frozen, teacher=teacher)]

    return phases


_FIRST = Optimiser(kind="adam", learning_rate=1e-3, shape="steps", milestones=(0.5,))
_FULL = Recipe(full=True, rungs=(1.0,), epochs=20, batch_size=64)
TRAINERS.register("bottlefit")(Trainer(phases=two_stages(), changes=("tail",), published=_FULL))
TRAINERS.register("bottlefit_frozen")(Trainer(phases=two_stages(frozen=True), changes=("tail",), published=_FULL))
TRAINERS.register("bottlefit_labels")(Trainer(phases=two_stages(teacher=False), changes=("tail",), published=_FULL))
TRAINERS.register("bottlefit_frozen_labels")(
    Trainer(phases=two_stages(frozen=True, teacher=False), changes=("tail",), published=_FULL)
)
