"""Candidates with their costs, before any training: what breaks a budget is known before the search starts.

A space that is small enough is costed whole. Of a larger one a seeded sample is, in families: a divided, shrunk or
pruned network takes a second to build, and thousands of candidates can share it. What else the search asks for is
costed when it asks.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants, shaping_axes

__all__ = ["DRAWN", "WHOLE", "Pool", "profile_pool"]

WHOLE = 4096
"""Candidates up to which a space is costed whole."""

DRAWN = 4096
"""Candidates that are costed of a larger space before the search starts."""

_FAMILIES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Points of a space.

    Attributes:
        cost: costs one candidate, or raises InfeasibleError.
        profiles: candidate to its costs, for candidates that exist.
        impossible: candidate to the reason why it cannot exist.
    """

    cost: Callable[[SplitConfig], Profile]
    profiles: dict[SplitConfig, Profile] = field(default_factory=dict)
    impossible: dict[SplitConfig, str] = field(default_factory=dict)

    def get(self, config: SplitConfig) -> Profile:
        """The costs of a candidate.

        Raises:
            InfeasibleError: it cannot exist; the message is the reason.
        """
        if config in self.impossible:
            raise InfeasibleError(self.impossible[config])
        if config not in self.profiles:
            try:
                self.profiles[config] = self.cost(config)
            except (InfeasibleError, UserError) as error:
                # Whatever is wrong with one candidate, it is not the user's input: the space was read without a fault.
                self.impossible[config] = str(error)
                raise InfeasibleError(str(error)) from error
        return self.profiles[config]


def profile_pool(
    space: SearchSpace,
    variants: Variants,
    profiler: Profiler,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    seed: int = 0,
    drawn: int = DRAWN,
) -> Pool:
    """Costs a space, or a sample of one with more than `WHOLE` candidates.

    Args:
        space: which candidates.
        variants: the backbone.
        profiler: for which device, server and network.
        progress: hears how many of how many are done.
        seed: of the sample.
        drawn: how many candidates the sample has, at most.
    """
    shapes = variants.without_values()

    def cost(config: SplitConfig) -> Profile:
        # Which channels a threshold removes depends on their values; everything else is known from shapes.
        by_value = config.pruning_rule == "threshold"
        return profiler.profile(assemble(config, variants if by_value else shapes))

    pool = Pool(cost=cost)
    candidates = space if space.size <= WHOLE else _families(space, drawn, seed)
    count = len(candidates)
    for done, config in enumerate(candidates, start=1):
        with contextlib.suppress(InfeasibleError):  # the pool remembers the reason
            pool.get(config)
        progress(done, count)
    return pool


def _families(space: SearchSpace, drawn: int, seed: int) -> list[SplitConfig]:
    """Candidates drawn at random, each with others that are made of the same variants."""
    found: dict[SplitConfig, None] = {}
    members = max(1, drawn // _FAMILIES)
    for number, first in enumerate(space.sample(min(_FAMILIES, drawn), seed)):
        found |= dict.fromkeys(space.relatives(first, shaping_axes(first), members, seed + number))
    return list(found)
