"""What the pool of a run tells the known-cost sampler, and how that pool grows where the space is larger."""

from collections.abc import Iterator, Sequence

from splitsearch.profilers.pool import Pool
from splitsearch.searcher.engine.objectives import Budgets, Objective
from splitsearch.searcher.engine.samplers.knowledge import Grow, Knowledge, Point
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import shaping_axes

__all__ = ["knowledge_of", "neighbours"]

_COSTED = 64  # new candidates in one step of growth: costing is cheap, and building what they share is not


def knowledge_of(space: SearchSpace, pool: Pool, objectives: Sequence[Objective], budgets: Budgets) -> Knowledge:
    """The feasible candidates of a pool, with every objective but accuracy known.

    Args:
        space: of the candidates; if the pool holds a sample of it, the sampler lets the pool grow.
        pool: with at least one feasible candidate.
        objectives: of the study.
        budgets: what breaks them is not suggested.
    """
    known = [objective.name for objective in objectives if objective.name != "accuracy"]
    rows = [(c, p) for c, p in pool.profiles.items() if not budgets.violations(p.values)]
    whole = len(pool.profiles) + len(pool.impossible) >= space.size
    return Knowledge(
        objectives={objective.name: objective.direction for objective in objectives},
        points=[space.point(config) for config, _ in rows],
        known={name: [profile.values[name] for _, profile in rows] for name in known},
        shares=frozenset({"accuracy"}),
        nominal=_nominal(space),
        grow=None if whole else _growth(space, pool, known, budgets),
    )


def _nominal(space: SearchSpace) -> frozenset[str]:
    """Axes whose numbers stand for names: a cut is a place, and no quantity."""
    return frozenset(name for name in space.ranges if any(isinstance(value, str) for value in space.axes[name]))


def neighbours(space: SearchSpace, config: SplitConfig) -> list[SplitConfig]:
    """Candidates one step along one axis away; those made of the same variants, which are cheap to cost, come first."""
    shaping, origin = shaping_axes(config), space.point(config)
    found: dict[SplitConfig, bool] = {}
    for name, (low, high) in space.ranges.items():
        for index in (origin[name] - 1, origin[name] + 1):
            point = origin | {name: index}
            if low <= index <= high and space.excluded(point) is None and (other := space.at(point)) != config:
                found.setdefault(other, name in shaping)
    return sorted(found, key=found.__getitem__)


def _growth(space: SearchSpace, pool: Pool, known: Sequence[str], budgets: Budgets) -> Grow:
    def grow(front: Sequence[Point]) -> Iterator[tuple[Point, dict[str, float]]]:
        costed = 0
        for point in front:
            for config in neighbours(space, space.at(point)):
                costed += config not in pool.profiles and config not in pool.impossible
                if costed > _COSTED:
                    return
                try:
                    values = pool.get(config).values
                except InfeasibleError:
                    continue
                if not budgets.violations(values):
                    yield space.point(config), {name: values[name] for name in known}

    return grow
