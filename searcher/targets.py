"""Targets from what users name: two machines, a network, and what they want changed about it."""

from dataclasses import replace

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.devices.trust import ANYTHING, Asked, require
from splitsearch.profilers.networks.network import load_network, override
from splitsearch.profilers.profile import Target

__all__ = ["read_target", "trusted"]


def read_target(
    machines: tuple[str, str],
    network: str,
    *,
    server_load: float = 0.0,
    uplink_mbps: float | None = None,
    rtt_ms: float | None = None,
    asked: Asked = ANYTHING,
) -> Target:
    """Reads the files of a target.

    Args:
        machines: device profile and server profile, each a file or a shipped name.
        network: a JSON file, a CSV trace or a shipped name.
        server_load: share of time that the server is busy.
        uplink_mbps: in place of the network's own median rate.
        rtt_ms: in place of its own median round trip.
        asked: what the device profile has to be of; runtime and number format are nothing to the server.

    Raises:
        UserError: a file or a figure is wrong, or a profile is not of what is asked for.
    """
    link = override(load_network(network), uplink_mbps=uplink_mbps, rtt_ms=rtt_ms)
    return trusted(
        Target(device=load_device(machines[0]), server=load_device(machines[1]), network=link, server_load=server_load),
        asked,
    )


def trusted(target: Target, asked: Asked) -> Target:
    """The target, if its machines may be used for what is asked.

    Raises:
        UserError: they may not; the line says what to do.
    """
    require(target.device, asked)
    require(target.server, replace(asked, runtime=None, dtype=None))
    return target
