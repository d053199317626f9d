"""Transfer: what a payload takes from the device to the server, term by term, and how much that varies.

RTT + bits / uplink + what every message costs + silence between messages + what is sent again. The answer, a class and
a confidence, is a few bytes and rides in the RTT. The connection is open and its window has grown: slow start is left
out.
"""

import math
from dataclasses import dataclass

from splitsearch.profilers.networks.drain import Drain
from splitsearch.profilers.networks.network import NetworkProfile
from splitsearch.profilers.spread import Spread

__all__ = ["NOTHING", "Link", "Transfer", "tcp_bits_per_ms", "transfer_ms"]

_SEGMENT_BYTES = 1448  # of the application in a full Ethernet frame with TCP timestamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Milliseconds of one payload; the terms are expected values and add up to `total_ms`.

    Attributes:
        messages: into how many the payload is divided; 0 if nothing is sent.
        rtt_ms: round trip.
        serialise_ms: bytes of payload and headers over the uplink.
        overhead_ms: what every message takes besides its bytes.
        silence_ms: after all messages but the last, where a duty cycle demands it.
        retransmit_ms: what losses cost.
        airtime_ms: how long the radio sends, repetitions included.
        spread: of the sum.
    """

    messages: int
    rtt_ms: float
    serialise_ms: float
    overhead_ms: float
    silence_ms: float
    retransmit_ms: float
    airtime_ms: float
    spread: Spread

    @property
    def total_ms(self) -> float:
        """The expected sum."""
        return self.rtt_ms + self.serialise_ms + self.overhead_ms + self.silence_ms + self.retransmit_ms


NOTHING = Transfer(
    messages=0,
    rtt_ms=0.0,
    serialise_ms=0.0,
    overhead_ms=0.0,
    silence_ms=0.0,
    retransmit_ms=0.0,
    airtime_ms=0.0,
    spread=Spread.fixed(0.0),
)
"""Of what stays in one place."""


class Link:
    """Transfers over one network; `software_ms` is what the two ends spend on one payload beyond its bytes."""

    def __init__(self, network: NetworkProfile, software_ms: float = 0.0) -> None:
        self._network = network
        self._software_ms = software_ms
        self._drain = Drain(network.trace) if network.trace is not None else None

    def transfer(self, payload_bytes: float) -> Transfer:
        """What a payload of so many bytes, possibly a mean, takes."""
        if self._drain is not None:
            return self._traced(self._drain, payload_bytes)
        network = self._network
        messages = max(1, math.ceil(payload_bytes / network.message_bytes)) if network.message_bytes else 1
        bits = 8 * (payload_bytes + messages * network.overhead_bytes)
        sent = Spread.lognormal(
            bits / (network.uplink_mbps * 1e3), bits / ((network.uplink_p5_mbps or network.uplink_mbps) * 1e3)
        )
        occupied_ms = messages * network.overhead_ms
        trips = _round_trips(network)
        again_ms = self._again_ms(sent.mean_ms + occupied_ms, bits, messages)
        overhead_ms = occupied_ms + self._software_ms
        silence_ms = self._silence_ms(payload_bytes, messages)
        return Transfer(
            messages=messages,
            rtt_ms=trips.mean_ms,
            serialise_ms=sent.mean_ms,
            overhead_ms=overhead_ms,
            silence_ms=silence_ms,
            retransmit_ms=again_ms,
            airtime_ms=(sent.mean_ms + occupied_ms) / (1 - network.loss),
            spread=Spread.total((trips, sent, Spread.fixed(overhead_ms + silence_ms + again_ms))),
        )

    def _traced(self, drain: Drain, payload_bytes: float) -> Transfer:
        network = self._network
        both, sent_ms = drain.message(8 * (payload_bytes + network.overhead_bytes))
        overhead_ms = network.overhead_ms + self._software_ms
        return Transfer(
            messages=1,
            rtt_ms=both.mean_ms - sent_ms,
            serialise_ms=sent_ms,
            overhead_ms=overhead_ms,
            silence_ms=0.0,
            retransmit_ms=0.0,  # the rates of a trace are what losses left over
            airtime_ms=sent_ms + network.overhead_ms,
            spread=Spread.total((both, Spread.fixed(overhead_ms))),
        )

    def _silence_ms(self, payload_bytes: float, messages: int) -> float:
        """A sender that occupied the channel for t is silent for t * (1 / duty - 1) before the next message."""
        network = self._network
        if network.message_bytes is None or network.duty_cycle == 1:
            return 0.0
        full_bits = 8 * (network.message_bytes + network.overhead_bytes)
        full_ms = full_bits / (network.uplink_mbps * 1e3) + network.overhead_ms
        return (messages - 1) * full_ms * (1 / network.duty_cycle - 1)

    def _again_ms(self, once_ms: float, bits: float, messages: int) -> float:
        """What is lost comes again.

        Over TCP the rate falls to what it can hold at this loss. A single message is repeated until it arrives, on
        average 1 / (1 - loss) times; each time the round trip of the missing answer and the duty cycle's silence pass.
        """
        network = self._network
        if network.loss == 0:
            return 0.0
        if network.transport == "tcp":
            return bits / tcp_bits_per_ms(network) - bits / (network.uplink_mbps * 1e3)
        repeats = network.loss / (1 - network.loss)
        return repeats * (once_ms / network.duty_cycle + messages * network.rtt_ms)


def tcp_bits_per_ms(network: NetworkProfile) -> float:
    """What TCP makes of an uplink that loses packets.

    The lesser of what gets through, uplink * (1 - loss), and what congestion control keeps up, segment / RTT *
    sqrt(3 / 2) / sqrt(loss) (Mathis et al., The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm,
    Computer Communication Review 27(3), 1997). The latter holds for long transfers; a payload of a few segments, which
    fits the first window, may be done sooner.
    """
    through = network.uplink_mbps * 1e3 * (1 - network.loss)
    if network.loss == 0:
        return through
    return min(through, 8 * _SEGMENT_BYTES / network.rtt_ms * math.sqrt(1.5 / network.loss))


def transfer_ms(network: NetworkProfile, payload_bytes: float) -> float:
    """Expected milliseconds from sending a payload to having the answer, without the server's work."""
    return Link(network).transfer(payload_bytes).total_ms


def _round_trips(network: NetworkProfile) -> Spread:
    if network.rtt_p95_ms is not None:
        return Spread.lognormal(network.rtt_ms, network.rtt_p95_ms)
    return Spread.normal(network.rtt_ms, network.jitter_ms or 0.0)
