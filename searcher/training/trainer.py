"""What a trainer is, and the table of them: a published recipe as phases, for a short trial or in full."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

from splitsearch.searcher.training.phases import Phase
from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.model import SplitModel, Stage
from splitsearch.spaces.registry import Registry

__all__ = ["TRAINERS", "Trainer", "own_copies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """How candidates learn.

    Attributes:
        phases: of one candidate's lesson, in order.
        changes: names of stages that it trains even where they are the backbone's own: it gets copies of them.
        published: the full training.
    """

    phases: Callable[[Lesson], list[Phase]]
    changes: tuple[str, ...]
    published: Recipe


TRAINERS: Registry[Trainer] = Registry("trainer")


def own_copies(model: SplitModel, names: tuple[str, ...]) -> SplitModel:
    """The same candidate, in which these stages are copies of its own: what all candidates share never learns."""
    memo: dict[int, object] = {}  # two stages of one head stay on the same parameters

    def own(stage: Stage) -> Stage:
        if not stage.original or stage.name not in names:
            return stage
        module = copy.deepcopy(stage.module, memo)
        return replace(stage, original=False, build=lambda: module)

    return replace(model, stages=tuple(map(own, model.stages)))
