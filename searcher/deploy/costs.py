"""What an image costs that goes on, and one that leaves at the exit: with both, any threshold is costed at once."""

from typing import Any

import numpy as np

from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.deploy.outcomes import Outcomes
from splitsearch.searcher.deploy.restore import target_of
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["costs_of", "expected_latency_ms"]


def costs_of(settings: RunSettings, model: SplitModel, outcomes: Outcomes, config: SplitConfig) -> dict[str, Any]:
    """Costs of a candidate on the machines and the network of its run.

    Args:
        settings: of the run.
        model: the candidate.
        outcomes: whose payloads were packed; the mean of those that would be sent is what the transfer is of.
        config: the candidate.

    Returns:
        `device`, `server` and `network`; the `full` branch, with its latency term by term; the `exit`, or None; the
        `source` of the latencies.

    Raises:
        UserError: a profile that the run used is gone.
    """
    target = target_of(settings)
    profile = Profiler(target).profile(model)
    sent = outcomes.payload_bytes[~outcomes.leaves(config.exit_threshold)]
    if len(sent):
        profile = profile.resent(target, float(np.mean(sent)))
    leaving = profile.exit
    return {
        "device": target.device.name,
        "server": target.server.name,
        "network": target.network.name,
        "source": profile.latency.source,
        "full": profile.values | {"latency": profile.latency.to_json()},
        "exit": {"latency_ms": leaving.latency_ms, "energy_mj": leaving.energy_mj} if leaving else None,
    }


def expected_latency_ms(costs: dict[str, Any], exit_rate: float) -> float:
    """Expected latency if this share of the images leaves at the exit."""
    full, leaving = costs["full"]["latency_ms"], costs["exit"]
    return float(full if leaving is None else exit_rate * leaving["latency_ms"] + (1 - exit_rate) * full)
