"""Target: the machines and the network that a candidate is costed for, which every cost depends on together."""

from dataclasses import dataclass

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import Source, weakest
from splitsearch.profilers.networks.network import NetworkProfile
from splitsearch.profilers.queueing import check_load
from splitsearch.spaces.errors import UserError

__all__ = ["Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """On what a candidate is costed.

    Attributes:
        device: where the head runs.
        server: where the tail runs.
        network: between them.
        server_load: share of time that the server is busy with requests like this one, in [0, 1).
    """

    device: DeviceProfile
    server: DeviceProfile
    network: NetworkProfile
    server_load: float = 0.0

    def __post_init__(self) -> None:
        fault = check_load(self.server_load)
        if fault is not None:
            raise UserError(f"--server-load: {fault}")

    @property
    def software_ms(self) -> float:
        """What both ends spend on one message beyond its bytes, where one of them measured it."""
        found = [side.measured.message_overhead_ms for side in (self.device, self.server) if side.measured is not None]
        return next((ms for ms in found if ms is not None), 0.0)

    @property
    def source(self) -> Source:
        """`estimated` as long as any of the three is."""
        return weakest((self.device.source, self.server.source, self.network.source))
