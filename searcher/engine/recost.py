"""A trained candidate on other machines or another network: its accuracy stays, its costs are counted again."""

from dataclasses import replace

from splitsearch.profilers.pool import Pool
from splitsearch.profilers.target import Target
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.realised import realised_values, sent
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError

__all__ = ["recost"]


def recost(result: TrialResult, pool: Pool, target: Target, budgets: Budgets) -> TrialResult:
    """The result that the same training would have had on another target.

    What was measured stays: accuracy, the bytes that a coding left, the share of images that leave at the exit.

    Args:
        result: a complete one.
        pool: costs on the target.
        target: the machines and the network.
        budgets: on the target; one that is broken makes the result a pruned one.
    """
    try:
        profile = pool.get(SplitConfig.from_json(result.config))
    except InfeasibleError as error:
        return replace(result, state="pruned", reason=str(error), seconds=0.0)
    exit_rate = result.values.get("exit_rate")
    accuracy, payload_bytes = (result.values[name] for name in ("accuracy", "payload_bytes"))
    profile = sent(profile, target, payload_bytes, exit_rate)
    broken = budgets.violations(profile.values)
    return replace(
        result,
        state="pruned" if broken else "complete",
        reason="; ".join(broken) or None,
        values=realised_values(profile, accuracy, payload_bytes, exit_rate),
        latency=profile.latency.to_json() | {"payload_source": result.latency.get("payload_source", "exact")},
        macs={"device": profile.device_macs, "server": profile.server_macs},
        parameters={"device": profile.device_parameters, "server": profile.server_parameters},
        seconds=0.0,
    )
