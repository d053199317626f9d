"""What the search needs of whoever trains its candidates."""

from pathlib import Path
from typing import Protocol

from splitsearch.profilers.pool import Pool
from splitsearch.searcher.engine.climb import Stop, never
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.trial import Evaluated
from splitsearch.spaces.config import SplitConfig

__all__ = ["Evaluating"]


class Evaluating(Protocol):
    """What the search needs of an evaluator."""

    @property
    def checkpoints(self) -> Path:
        """Folder of weights."""
        ...

    @property
    def budgets(self) -> Budgets:
        """Limits on costs and accuracy."""
        ...

    @property
    def pool(self) -> Pool:
        """Costs of candidates."""
        ...

    def evaluate_family(self, number: int, config: SplitConfig, *, stop: Stop = never) -> Evaluated:
        """Trains one candidate, and knows those that share its training.

        `stop` is called after each rung but the last and may give a reason to stop.
        """
        ...

    def refuse(self, number: int, config: SplitConfig, reason: str) -> TrialResult:
        """The result of a candidate that cannot exist."""
        ...
