"""Training without a teacher: what head network distillation is measured against; everything learns from labels."""

from splitsearch.searcher.training.phases import Phase
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.trainer import TRAINERS, Trainer
from splitsearch.searcher.training.trainers.kd import PUBLISHED, WHOLE
from splitsearch.searcher.training.trainers.recovery import recovery
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["phases"]


def phases(lesson: Lesson) -> list[Phase]:
    """One phase: everything learns from labels."""
    return [recovery(lesson, share=1.0, device_too=True, teacher=False, published=PUBLISHED, name="learn")]


TRAINERS.register("naive")(
    Trainer(phases=phases, changes=WHOLE, published=Recipe(full=True, rungs=(1.0,), epochs=20, batch_size=32))
)
