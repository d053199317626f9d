"""Knowledge distillation (Hinton et al., 2015), as head network distillation is compared with it: all layers learn.

Half of the loss is the cross-entropy to the labels, half the divergence from the teacher's answers at temperature 1.
The student starts from the teacher's weights where it has the teacher's layers; none of them stays frozen, so nothing
of the head can come from a store of activations.
"""

from splitsearch.searcher.training.phases import Optimiser, Phase
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.trainer import TRAINERS, Trainer
from splitsearch.searcher.training.trainers.recovery import recovery
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["PUBLISHED", "WHOLE"]

PUBLISHED = Optimiser(kind="sgd", learning_rate=1e-3, weight_decay=1e-4, shape="steps", milestones=(0.25, 0.5, 0.75))
WHOLE = ("head", "head_after_exit", "tail")


def phases(lesson: Lesson) -> list[Phase]:
    """One phase: everything learns."""
    return [recovery(lesson, share=1.0, device_too=True, published=PUBLISHED, name="distil")]


TRAINERS.register("kd")(
    Trainer(phases=phases, changes=WHOLE, published=Recipe(full=True, rungs=(1.0,), epochs=20, batch_size=32))
)
