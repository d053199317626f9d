"""Energy: what one image costs the device, term by term: computing, waiting, and the radio.

Watts times milliseconds are millijoules. Neurosurgeon (Kang et al., ASPLOS 2017) counts computing, and power of the
radio times payload / uplink; the waiting between is added here, and what a cellular radio draws after the answer, which
can exceed all the rest (Huang et al., MobiSys 2012), where the network profile names it.
"""

from dataclasses import asdict, dataclass
from typing import Any

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import Source, weakest
from splitsearch.profilers.latency import Latency
from splitsearch.profilers.networks.network import NetworkProfile
from splitsearch.profilers.networks.transfer import Transfer

__all__ = ["Energy", "active_w", "idle_w"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Millijoules of the device for one image.

    Attributes:
        compute_mj: active power while the head runs.
        waiting_mj: idle power while the payload travels, waits and is served.
        transmit_mj: the radio while it sends.
        listening_mj: the radio while the answer is awaited.
        radio_tail_mj: the radio from the answer until it sleeps, where the profile names it.
        radio_known: whether the network profile names the radio; without it the three terms are 0.
        source: that of the least trustworthy figure.
    """

    compute_mj: float
    waiting_mj: float
    transmit_mj: float
    listening_mj: float
    radio_tail_mj: float
    radio_known: bool
    source: Source

    @classmethod
    def of(cls, device: DeviceProfile, network: NetworkProfile, latency: Latency, transfer: Transfer) -> "Energy":
        """Costs a latency; where nothing is sent the radio does nothing."""
        waiting_ms = latency.transfer_ms + latency.queue_ms + latency.tail_ms
        listening_ms = max(0.0, waiting_ms - transfer.airtime_ms)
        radio = network.radio if transfer.messages else None
        return cls(
            compute_mj=active_w(device) * latency.head_ms,
            waiting_mj=idle_w(device) * waiting_ms,
            transmit_mj=radio.transmit_w * transfer.airtime_ms if radio else 0.0,
            listening_mj=(radio.receive_w or radio.idle_w) * listening_ms if radio else 0.0,
            radio_tail_mj=(radio.tail_w or 0.0) * (radio.tail_ms or 0.0) if radio else 0.0,
            radio_known=network.radio is not None or not transfer.messages,
            source=weakest((device.source, latency.source, *((network.source,) if transfer.messages else ()))),
        )

    @property
    def total_mj(self) -> float:
        """The sum of the terms."""
        return self.compute_mj + self.waiting_mj + self.transmit_mj + self.listening_mj + self.radio_tail_mj

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self) | {"total_mj": self.total_mj}


def active_w(device: DeviceProfile) -> float:
    """Watts while it computes: measured on it where that was done."""
    measured = device.measured.power if device.measured is not None else None
    return measured.active_w if measured is not None else device.power.active_w


def idle_w(device: DeviceProfile) -> float:
    """Watts while it waits: measured on it where that was done."""
    measured = device.measured.power if device.measured is not None else None
    return device.power.idle_w if measured is None or measured.idle_w is None else measured.idle_w
