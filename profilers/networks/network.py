"""NetworkProfile: the link between device and server, as a JSON file or a trace, so that a message can be costed."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from splitsearch.profilers.networks.trace import Trace, mean_mbps, median_rtt_ms
from splitsearch.profilers.networks.trace_file import read_trace
from splitsearch.profilers.shipped import (
    Count,
    NotNegative,
    Positive,
    ProfileFile,
    ProfilePart,
    load_profile,
    shipped_names,
)
from splitsearch.spaces.errors import UserError

__all__ = ["NetworkProfile", "Radio", "load_network", "network_names", "override"]

_PACKAGE = "splitsearch.configs.networks"

Loss = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class Radio(ProfilePart):
    """What the device's network interface draws, in watts.

    Attributes:
        transmit_w: while it sends.
        idle_w: while it waits with nothing to receive.
        receive_w: while it listens for the answer; None if that is no more than `idle_w`.
        tail_w: while it stays awake after the answer, as cellular radios do; None for a stream of images, where the
            next one comes before the radio has gone to sleep, or where there is no such state.
        tail_ms: how long it stays so. Counted whole for every image: the images come more seldom than that.
    """

    transmit_w: Positive
    idle_w: Positive
    receive_w: Positive | None = None
    tail_w: Positive | None = None
    tail_ms: Annotated[Positive | None, Field(validate_default=True)] = None

    @field_validator("tail_ms")
    @classmethod
    def _tail_is_whole(cls, tail_ms: float | None, info: ValidationInfo) -> float | None:
        if "tail_w" in info.data and (tail_ms is None) != (info.data["tail_w"] is None):
            raise ValueError("'tail_w' and 'tail_ms' need each other")
        return tail_ms


class NetworkProfile(ProfileFile):
    """One link as the application sees it.

    Attributes:
        uplink_mbps: device to server, millions of bits a second, the median; headers of every packet, if they are not
            named in `overhead_bytes`, already taken off.
        uplink_p5_mbps: what 5 % of the messages do not reach; None if nobody knows.
        downlink_mbps: server to device; None if nobody knows. The answer is a few bytes and rides in the round trip.
        rtt_ms: round-trip time of a small message in milliseconds, the median.
        rtt_p95_ms: its 95th percentile; None if nobody knows.
        jitter_ms: its standard deviation instead, where that is all one knows.
        loss: share of the packets that are lost.
        transport: `tcp`, which slows down when packets are lost, or `messages`, each repeated until it arrives.
        message_bytes: most bytes of a payload in one message; a longer one is divided. None for no limit.
        overhead_bytes: sent once per message on top of the payload; default: Ethernet, IPv4, TCP with timestamps.
        overhead_ms: what a message occupies the channel with besides its bytes: preamble, turnaround, acknowledgement.
        duty_cycle: share of time that a sender may occupy the channel; it is silent after each message but the last.
        radio: what the interface draws; None if nobody knows: energy then lacks it, and says so.
        trace: rates and round trips over time; `uplink_mbps` and `rtt_ms` are its mean and its median.
        method: how the figures were obtained, and which of them are assumptions.
    """

    uplink_mbps: Positive
    uplink_p5_mbps: Positive | None = None
    downlink_mbps: Positive | None = None
    rtt_ms: Positive
    rtt_p95_ms: Positive | None = None
    jitter_ms: NotNegative | None = None
    loss: Loss = 0.0
    transport: Literal["tcp", "messages"] = "tcp"
    message_bytes: Annotated[int, Field(gt=0)] | None = None
    overhead_bytes: Count = 66
    overhead_ms: NotNegative = 0.0
    duty_cycle: Share = 1.0
    radio: Radio | None = None
    trace: Trace | None = None
    method: str = ""

    @field_validator("uplink_p5_mbps")
    @classmethod
    def _slow_is_slower(cls, slow: float | None, info: ValidationInfo) -> float | None:
        if slow is not None and slow > info.data.get("uplink_mbps", math.inf):
            raise ValueError("it should be at most uplink_mbps")
        return slow

    @field_validator("rtt_p95_ms")
    @classmethod
    def _late_is_later(cls, late: float | None, info: ValidationInfo) -> float | None:
        if late is not None and late < info.data.get("rtt_ms", 0):
            raise ValueError("it should be at least rtt_ms")
        return late

    @field_validator("jitter_ms")
    @classmethod
    def _one_measure_of_jitter(cls, jitter: float | None, info: ValidationInfo) -> float | None:
        if jitter is not None and info.data.get("rtt_p95_ms") is not None:
            raise ValueError("rtt_p95_ms says the same; leave one of them away")
        return jitter

    @field_validator("trace")
    @classmethod
    def _a_trace_says_it_all(cls, trace: Trace | None, info: ValidationInfo) -> Trace | None:
        if trace is not None:
            for name in ("uplink_p5_mbps", "rtt_p95_ms", "jitter_ms", "loss"):
                if info.data.get(name):
                    raise ValueError(f"it holds what '{name}' says; leave that away")
            if info.data.get("duty_cycle", 1.0) < 1 or info.data.get("message_bytes"):
                raise ValueError("it drains one message at a time: leave 'duty_cycle' and 'message_bytes' away")
        return trace

    @property
    def varies(self) -> bool:
        """Whether the file says how messages differ from each other."""
        spread = (self.uplink_p5_mbps, self.rtt_p95_ms, self.jitter_ms, self.trace)
        return any(figure is not None for figure in spread)


def network_names() -> tuple[str, ...]:
    """Names of the shipped network profiles."""
    return shipped_names(_PACKAGE)


def load_network(name_or_path: str) -> NetworkProfile:
    """Reads a network: an existing JSON file or CSV trace, else a shipped name with or without `.json`.

    Raises:
        UserError: there is none of that name, or the file is wrong; the line names the field or row, and the value.
    """
    path = Path(name_or_path)
    if path.suffix.lower() == ".csv" and path.is_file():
        return _from_trace(path)
    return load_profile(NetworkProfile, "network profile", _PACKAGE, name_or_path)


def _from_trace(path: Path) -> NetworkProfile:
    trace = read_trace(path)
    data: dict[str, Any] = {
        "schema": 1,
        "name": path.stem,
        "description": f"Trace of {len(trace.time_s)} rows over {trace.time_s[-1] - trace.time_s[0]:g} s.",
        "source": "measured",
        "uplink_mbps": mean_mbps(trace),
        "rtt_ms": median_rtt_ms(trace),
        "trace": trace,
        "method": "A message starts at any time of the trace with the same chance, and drains at the rates in it.",
    }
    return NetworkProfile.model_validate(data)


def override(network: NetworkProfile, *, uplink_mbps: float | None, rtt_ms: float | None) -> NetworkProfile:
    """The same link with another median rate or round trip; how much they vary in proportion stays.

    Raises:
        UserError: a value is no positive number, or the network is a trace, which has its own.
    """
    given = {"uplink_mbps": uplink_mbps, "rtt_ms": rtt_ms}
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        return network
    for name, value in wanted.items():
        flag = f"--{name.replace('_', '-')}"
        if not math.isfinite(value) or value <= 0:
            raise UserError(f"{flag} must be a positive number, not {value:g}")
        if network.trace is not None:
            raise UserError(f"{flag} {value:g} cannot be set: the network '{network.name}' is a trace with its own")
    changes: dict[str, Any] = dict(wanted)
    for name, follower in (("uplink_mbps", "uplink_p5_mbps"), ("rtt_ms", "rtt_p95_ms"), ("rtt_ms", "jitter_ms")):
        if name in wanted and getattr(network, follower) is not None:
            changes[follower] = getattr(network, follower) * wanted[name] / getattr(network, name)
    texts = {"uplink_mbps": "uplink {:g} Mbit/s", "rtt_ms": "RTT {:g} ms"}
    changes["name"] = ", ".join([network.name, *(texts[name].format(value) for name, value in wanted.items())])
    return network.model_copy(update=changes)
