"""Which candidates may be trained at all, and which of them first."""

from splitsearch.profilers.pool import Pool
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import NothingFeasibleError

__all__ = ["extremes", "require_feasible"]


def require_feasible(pool: Pool, budgets: Budgets) -> list[SplitConfig]:
    """The candidates that fit the budgets.

    Raises:
        NothingFeasibleError: there are none; names the nearest one and what it breaks.
    """
    feasible = [config for config, profile in pool.profiles.items() if not budgets.violations(profile.values)]
    if feasible:
        return feasible
    if not pool.profiles:
        reason = next(iter(pool.impossible.values()))
        raise NothingFeasibleError(f"no candidate of the space can exist at this backbone and image size: {reason}")
    nearest = min(pool.profiles, key=lambda config: budgets.excess(pool.profiles[config].values))
    broken = "; ".join(budgets.violations(pool.profiles[nearest].values))
    raise NothingFeasibleError(f"no candidate fits the budgets; the nearest is {nearest}: {broken}")


def extremes(pool: Pool, feasible: list[SplitConfig]) -> list[SplitConfig]:
    """The feasible corners of the known costs, which samplers find late: least latency, least payload, widest."""

    def least(name: str) -> SplitConfig:
        return min(feasible, key=lambda config: (pool.profiles[config].values[name], config.key))

    widest = max(feasible, key=lambda config: (config.channels * config.bits, config.key))
    return list(dict.fromkeys((least("latency_ms"), least("payload_bytes"), least("device_macs"), widest)))
