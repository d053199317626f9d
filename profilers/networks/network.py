"""NetworkProfile: the link between device and server, as a JSON file, and what one message over it costs."""

from splitsearch.profilers.shipped import Count, Positive, ProfileFile, ProfilePart, load_profile, shipped_names

__all__ = ["NetworkProfile", "Radio", "load_network", "network_names", "radio_mj", "transfer_ms"]

_PACKAGE = "splitsearch.configs.networks"


class Radio(ProfilePart):
    """What the device's network interface draws, in watts.

    Attributes:
        transmit_w: while it sends.
        idle_w: while it waits.
    """

    transmit_w: Positive
    idle_w: Positive


class NetworkProfile(ProfileFile):
    """One link as the application sees it.

    Attributes:
        uplink_mbps: device to server, millions of bits a second; headers of every packet already taken off.
        downlink_mbps: server to device.
        rtt_ms: round-trip time of a small message, in milliseconds.
        overhead_bytes: sent once per message on top of the payload; default: Ethernet, IPv4, TCP with timestamps.
        radio: what the interface draws.
        method: how the figures were obtained, and which of them are assumptions.
    """

    uplink_mbps: Positive
    downlink_mbps: Positive
    rtt_ms: Positive
    overhead_bytes: Count = 66
    radio: Radio
    method: str = ""


def network_names() -> tuple[str, ...]:
    """Names of the shipped network profiles."""
    return shipped_names(_PACKAGE)


def load_network(name_or_path: str) -> NetworkProfile:
    """Reads a network profile: an existing file, else a shipped name with or without `.json`.

    Raises:
        UserError: there is none of that name, or the file is wrong; the line names the field and the value.
    """
    return load_profile(NetworkProfile, "network profile", _PACKAGE, name_or_path)


def transfer_ms(network: NetworkProfile, payload_bytes: float) -> float:
    """Milliseconds from sending a payload to having the answer, without the server's work.

    RTT + 8 * (payload + overhead) / (uplink_mbps * 1000): bits over bits per millisecond. The answer, a class and a
    confidence, is a few bytes and rides in the RTT.
    """
    return network.rtt_ms + _serialisation_ms(network, payload_bytes)


def radio_mj(network: NetworkProfile, payload_bytes: float) -> float:
    """Millijoules that the device's interface spends on sending: watts times milliseconds of serialisation."""
    return network.radio.transmit_w * _serialisation_ms(network, payload_bytes)


def _serialisation_ms(network: NetworkProfile, payload_bytes: float) -> float:
    return 8 * (payload_bytes + network.overhead_bytes) / (network.uplink_mbps * 1e3)
