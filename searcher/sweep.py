"""How latencies change with the uplink: from which rate on another way is faster, as papers on split computing plot."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from splitsearch.profilers.networks.network import override
from splitsearch.profilers.profile import Profile, Target
from splitsearch.spaces.errors import UserError

__all__ = ["RATES_MBPS", "bandwidth_sweep", "require_one_rate"]

RATES_MBPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


def require_one_rate(target: Target) -> None:
    """Only a network of one rate can be swept.

    Raises:
        UserError: the network is a trace, which has its own rates.
    """
    if target.network.trace is not None:
        raise UserError(f"--bandwidth-sweep needs a network of one rate; '{target.network.name}' is a trace")


def bandwidth_sweep(profiles: Mapping[str, Profile], target: Target) -> list[dict[str, Any]]:
    """Costs what was costed again at every rate of `RATES_MBPS`; nothing but the transfer depends on it.

    Returns:
        Rows of `uplink_mbps`, `latency_ms` by name, and the name of the `fastest`.
    """
    rows = []
    for rate in RATES_MBPS:
        swept = replace(target, network=override(target.network, uplink_mbps=rate, rtt_ms=None))
        latency = {name: _latency_ms(profile, swept) for name, profile in profiles.items()}
        rows.append({"uplink_mbps": rate, "latency_ms": latency, "fastest": min(latency, key=lambda n: latency[n])})
    return rows


def _latency_ms(profile: Profile, target: Target) -> float:
    if not profile.payload_bytes:
        return profile.latency.total_ms
    return profile.resent(target, profile.payload_bytes).latency.total_ms
