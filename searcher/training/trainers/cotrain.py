"""Co-training (SplitNet; Zhao et al., 2022): the members of a division learn together from labels, without a teacher.

Their losses are summed and half of their disagreement is added, after a linear warm-up; weight decay is that of one
network times exp(1/S - 1), and dropout is divided. The published 300 epochs are for CIFAR. Mixup, AutoAugment and
random erasing of the published recipe are not part of this: views of images come from the store of activations.
"""

from splitsearch.searcher.training.phases import Optimiser, Phase
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.trainer import TRAINERS, Trainer
from splitsearch.searcher.training.trainers.kd import WHOLE
from splitsearch.searcher.training.trainers.recovery import recovery
from splitsearch.searcher.training.tutor import Lesson

__all__ = ["PUBLISHED", "phases"]

PUBLISHED = Optimiser(
    kind="sgd",
    learning_rate=0.1,
    weight_decay=1e-4,
    nesterov=True,
    shape="cosine",
    milestones=(20 / 300,),
    floor=1e-3,
)


def phases(lesson: Lesson) -> list[Phase]:
    """One phase: everything learns from labels, and the members from one another."""
    return [recovery(lesson, share=1.0, device_too=True, teacher=False, published=PUBLISHED, name="cotrain")]


TRAINERS.register("cotrain")(
    Trainer(phases=phases, changes=WHOLE, published=Recipe(full=True, rungs=(1.0,), epochs=300, batch_size=128))
)
