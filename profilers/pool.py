"""The whole space at once: every candidate assembled and costed before any training.

Costs are exact or estimated without training, so what breaks a budget is known before the search starts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from splitsearch.profilers.profile import Profile, Profiler
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["Pool", "profile_pool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Every point of a space.

    Attributes:
        profiles: candidate to its costs, for candidates that exist.
        impossible: candidate to the reason why it cannot exist.
    """

    profiles: dict[SplitConfig, Profile]
    impossible: dict[SplitConfig, str]


def profile_pool(
    space: SearchSpace,
    graph: TracedGraph,
    profiler: Profiler,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pool:
    """Costs all candidates; `progress` hears how many of how many are done."""
    profiles: dict[SplitConfig, Profile] = {}
    impossible: dict[SplitConfig, str] = {}
    for done, config in enumerate(space, start=1):
        try:
            profiles[config] = profiler.profile(assemble(config, graph))
        except InfeasibleError as error:
            impossible[config] = str(error)
        progress(done, len(space))
    return Pool(profiles=profiles, impossible=impossible)
