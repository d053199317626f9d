"""A candidate's training from its configuration: what other parts of the search ask for, in one call."""

from collections.abc import Callable

from splitsearch.searcher.training import trainers
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.runner import Training
from splitsearch.searcher.training.stepping import PLAIN, Stepping
from splitsearch.searcher.training.student import Student
from splitsearch.searcher.training.trainer import TRAINERS, Trainer, own_copies
from splitsearch.searcher.training.trainers.recovery import divide_dropout
from splitsearch.searcher.training.tutor import Lesson, Tutor
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["TRAINERS", "Recipe", "Trainer", "Tutor", "distil", "prepare", "trainers"]


def prepare(  # noqa: PLR0913  # who learns, from whom, how, and in which order
    trainer: Trainer,
    config: SplitConfig,
    model: SplitModel,
    tutor: Tutor,
    recipe: Recipe,
    *,
    seed: int,
    bits: tuple[int, ...] = (),
    stepping: Stepping = PLAIN,
    decay: float | None = None,
    ready: Callable[[SplitModel], None] = lambda model: None,
) -> tuple[SplitModel, Training]:
    """A training that has not begun.

    Args:
        trainer: how the candidate learns.
        config: the candidate.
        model: its stages, as assembled.
        tutor: images and activations.
        recipe: how long and how fast.
        seed: of the order of images.
        bits: bit-widths of the candidates that share the training; empty means the candidate's own.
        stepping: how a step is computed.
        decay: of the average of the weights; None for no average.
        ready: is called with the candidate's own stages before anything is built on them, and may move or change them.

    Returns:
        The candidate with copies of its own of what the trainer changes, and its training.
    """
    tail = model.stage("tail")
    assert tail is not None
    foreign = not tail.original
    if foreign:
        divide_dropout(tail.module)
    own = own_copies(model, trainer.changes)
    ready(own)
    lesson = Lesson(
        student=Student(config=config, model=own, activations=tutor.activations),
        tutor=tutor,
        recipe=recipe,
        seed=seed,
        foreign_tail=foreign,
        bits=bits or (config.bits,),
    )
    return own, Training(lesson, trainer.phases(lesson), stepping, decay)


def distil(
    trainer: Trainer, config: SplitConfig, model: SplitModel, tutor: Tutor, recipe: Recipe, seed: int
) -> tuple[SplitModel, list[float]]:
    """Trains a candidate from beginning to end.

    Returns:
        The trained candidate and the mean loss up to each rung.

    Raises:
        InfeasibleError: the training diverged.
    """
    own, training = prepare(trainer, config, model, tutor, recipe, seed=seed)
    losses = [training.advance(bound) for bound in training.bounds]
    return own, [loss for loss in losses if loss is not None]
