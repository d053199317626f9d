"""Candidates that nobody has tried, for samplers that repeat themselves: of the pool first, then of the whole space."""

import random
from collections.abc import Collection, Sequence

from splitsearch.profilers.pool import Pool
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["Untried"]

_BATCHES, _BATCH = 8, 64  # of a space that is larger than its pool, drawn until a feasible candidate is among them


class Untried:
    """Draws feasible candidates.

    Args:
        space: all candidates.
        pool: those that were costed, and how the others are.
        budgets: what is feasible.
        feasible: of the pool.
        seed: of the draws.
    """

    def __init__(
        self, space: SearchSpace, pool: Pool, budgets: Budgets, feasible: Sequence[SplitConfig], seed: int
    ) -> None:
        self._space, self._pool, self._budgets, self._feasible = space, pool, budgets, feasible
        self._drawn = len(pool.profiles) + len(pool.impossible) < space.size
        self._draw, self._seed = random.Random(seed), seed

    @property
    def whole(self) -> Sequence[SplitConfig] | None:
        """All feasible candidates there are, or None if the pool was drawn from a larger space."""
        return None if self._drawn else self._feasible

    def draw(self, taken: Collection[str | None]) -> SplitConfig | None:
        """A candidate whose key is not taken; None if none was found."""
        untried = [config for config in self._feasible if config.key not in taken]
        if untried:
            return self._draw.choice(untried)
        for _ in range(_BATCHES if self._drawn else 0):
            for config in self._space.sample(_BATCH, self._draw.randrange(2**31)):
                if config.key not in taken and self._fits(config):
                    return config
        return None

    def _fits(self, config: SplitConfig) -> bool:
        try:
            return not self._budgets.violations(self._pool.get(config).values)
        except InfeasibleError:
            return False
