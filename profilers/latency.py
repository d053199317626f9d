"""Latency: from image to answer, term by term, expected and in the worst twentieth.

total = head (with encoding) + transfer + queue + tail (with decoding); the transfer's own terms add up to it.
"""

from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from splitsearch.profilers.duration import Duration, Source, weakest
from splitsearch.profilers.networks.transfer import Transfer
from splitsearch.profilers.queueing import waiting
from splitsearch.profilers.spread import Z95, Spread

__all__ = ["Computing", "Latency", "Way", "late_with_exit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Computing:
    """What device and server compute for one image.

    Attributes:
        head: everything on the device, encoding included.
        encode: quantising and packing, or encoding the image.
        tail: everything on the server, decoding included.
        decode: unpacking, or decoding the image.
    """

    head: Duration
    encode: Duration
    tail: Duration
    decode: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a payload gets from the device into the tail.

    Attributes:
        transfer: over the network.
        server_load: share of time that the server is busy; 0 waits for nobody.
        varies: whether it is known how transfers differ from each other.
        source: of the network's figures.
    """

    transfer: Transfer
    server_load: float
    varies: bool
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds of one image: expected values, unless the name says otherwise.

    Attributes:
        head_ms: everything on the device before sending, encoding and packing included.
        encode_ms: the part of `head_ms` that quantises and packs, or encodes the image.
        transfer_ms: from sending to having the answer, without the server's work; 0 if nothing is sent.
        rtt_ms: the part of `transfer_ms` that is the round trip.
        serialise_ms: the part that is bytes over the uplink.
        overhead_ms: the part that every message costs besides its bytes.
        silence_ms: the part that a duty cycle demands between messages.
        retransmit_ms: the part that losses cost.
        queue_ms: waiting for the server.
        tail_ms: everything on the server, unpacking included.
        decode_ms: the part of `tail_ms` that unpacks, or decodes the image.
        p50_ms: median of the whole.
        p95_ms: what 95 % of the images do not exceed, as far as `varies` goes.
        varies: which of `computing`, `transfer` and `queue` are known to vary, and how; the others count as fixed.
        source: `measured`, `predicted` or `estimated`: that of the least trustworthy term.
        deviation_ms: one standard deviation of what is not known about head and tail; None if nobody can say.
        in_range: whether head and tail stay within what the device's model was fitted to.
    """

    head_ms: float
    encode_ms: float
    transfer_ms: float
    rtt_ms: float
    serialise_ms: float
    overhead_ms: float
    silence_ms: float
    retransmit_ms: float
    queue_ms: float
    tail_ms: float
    decode_ms: float
    p50_ms: float
    p95_ms: float
    varies: tuple[str, ...]
    source: Source
    deviation_ms: float | None = None
    in_range: bool = True

    @classmethod
    def of(cls, computing: Computing, way: Way) -> "Latency":
        """Adds the terms up; a server keeps only those waiting who send it something."""
        both = Duration.total((computing.head, computing.tail))
        transfer, sends = way.transfer, way.transfer.messages > 0
        queue = waiting(way.server_load if sends else 0.0, computing.tail.ms)
        queued = sends and way.server_load > 0
        whole = Spread.total((Spread.normal(both.ms, both.deviation_ms or 0.0), transfer.spread, queue))
        known = {"computing": both.deviation_ms is not None, "transfer": sends and way.varies, "queue": queued}
        sources: tuple[Source, ...] = (both.source, way.source) if sends else (both.source,)
        return cls(
            head_ms=computing.head.ms,
            encode_ms=computing.encode.ms,
            transfer_ms=transfer.total_ms,
            rtt_ms=transfer.rtt_ms,
            serialise_ms=transfer.serialise_ms,
            overhead_ms=transfer.overhead_ms,
            silence_ms=transfer.silence_ms,
            retransmit_ms=transfer.retransmit_ms,
            queue_ms=queue.mean_ms,
            tail_ms=computing.tail.ms,
            decode_ms=computing.decode.ms,
            p50_ms=whole.p50_ms,
            p95_ms=whole.p95_ms,
            varies=tuple(name for name, is_known in known.items() if is_known),
            source=weakest((*sources, "predicted") if queued else sources),
            deviation_ms=both.deviation_ms,
            in_range=both.in_range,
        )

    @property
    def total_ms(self) -> float:
        """From image to answer, expected."""
        return self.head_ms + self.transfer_ms + self.queue_ms + self.tail_ms

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self) | {"total_ms": self.total_ms, "varies": list(self.varies)}


def late_with_exit(full: Latency, exit_ms: float, exit_rate: float) -> float:
    """95th percentile if this share of the images leaves at the exit, which never takes longer than the full branch.

    Of the others, the share (0.95 - rate) / (1 - rate) may be exceeded by none; between their median and their 95th
    percentile they are taken as normal.
    """
    if exit_rate >= 0.95:
        return exit_ms
    rank = (0.95 - exit_rate) / (1 - exit_rate)
    slope = (full.p95_ms - full.p50_ms) / Z95
    return max(exit_ms, full.p50_ms + slope * NormalDist().inv_cdf(rank))
