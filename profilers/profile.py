"""What one candidate costs: a fold over its stages, without training it.

latency = head + quantise and pack + RTT + bytes / uplink + unpack + tail, for one image. Energy is what the device
spends: compute at active power, waiting at idle power, and the radio.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import ZERO, Duration, Source, weakest
from splitsearch.profilers.networks.network import NetworkProfile, radio_mj, transfer_ms
from splitsearch.profilers.operators import Cost, OperatorCost, added
from splitsearch.profilers.predict.roofline import element_bytes
from splitsearch.profilers.predict.times import times_of
from splitsearch.profilers.tables import OperatorTables
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.model import Site, SplitModel, Stage

__all__ = ["ExitProfile", "Latency", "Profile", "Profiler", "StageProfile", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """On what a candidate is costed."""

    device: DeviceProfile
    server: DeviceProfile
    network: NetworkProfile

    @property
    def source(self) -> Source:
        """`estimated` as long as any of the three is."""
        return weakest((self.device.source, self.server.source, self.network.source))


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds of one image, term by term.

    Attributes:
        head_ms: everything on the device before sending, encoding and packing included.
        encode_ms: the part of `head_ms` that quantises and packs, or encodes the image.
        transfer_ms: round trip and serialisation; 0 if nothing is sent.
        tail_ms: everything on the server, unpacking included.
        source: `measured`, `predicted` or `estimated`: that of the least trustworthy term.
        deviation_ms: one standard deviation of what is not known about head and tail; None if nobody can say.
        in_range: whether head and tail stay within what the device's model was fitted to.
    """

    head_ms: float
    encode_ms: float
    transfer_ms: float
    tail_ms: float
    source: Source
    deviation_ms: float | None = None
    in_range: bool = True

    @property
    def total_ms(self) -> float:
        """From image to answer."""
        return self.head_ms + self.transfer_ms + self.tail_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitProfile:
    """Costs of an image that leaves at the exit, apart from those of the full branch.

    Attributes:
        latency_ms: from image to answer, on the device alone.
        device_macs: multiply-adds until the answer, the exit's classifier included.
        exit_macs: those of the classifier alone; images that go on pay them too.
        exit_parameters: weights of the classifier.
        energy_mj: the device's energy in millijoules.
    """

    latency_ms: float
    device_macs: int
    exit_macs: int
    exit_parameters: int
    energy_mj: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProfile:
    """Costs of one stage.

    Attributes:
        name: of the stage.
        site: `device` or `server`.
        output_shape: without the batch dimension.
        macs: multiply-adds for one image.
        parameters: weights.
        milliseconds: as costed on its site.
    """

    name: str
    site: Site
    output_shape: tuple[int, ...]
    macs: int
    parameters: int
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Costs of one image on the full branch: what an image costs that does not leave at an exit.

    Attributes:
        latency: expected, term by term.
        payload_bytes: what crosses the network.
        device_macs: multiply-adds on the device (1 MAC = 2 FLOPs).
        server_macs: multiply-adds on the server.
        device_parameters: weights on the device.
        server_parameters: weights on the server.
        device_parameter_bytes: those in the number format of the device's runtime.
        device_memory_bytes: weights and the largest input and output of one operator: a lower bound.
        energy_mj: the device's energy in millijoules, compute, waiting and radio.
        exit: costs of an image that leaves early; None without an exit.
    """

    latency: Latency
    payload_bytes: float
    device_macs: int
    server_macs: int
    device_parameters: int
    server_parameters: int
    device_parameter_bytes: int
    device_memory_bytes: int
    energy_mj: float
    exit: ExitProfile | None = None

    def expected(self, exit_rate: float) -> dict[str, float]:
        """The objectives if this share of the images leaves at the exit, in [0, 1]."""
        if self.exit is None:
            return self.values
        early = {
            "latency_ms": self.exit.latency_ms,
            "payload_bytes": 0.0,
            "energy_mj": self.exit.energy_mj,
            "device_macs": self.exit.device_macs,
            "total_macs": self.exit.device_macs,
        }
        return {
            name: exit_rate * early.get(name, value) + (1 - exit_rate) * value for name, value in self.values.items()
        }

    @property
    def values(self) -> dict[str, float]:
        """The objectives that are known before training, as if no image left at the exit."""
        return {
            "latency_ms": self.latency.total_ms,
            "payload_bytes": self.payload_bytes,
            "energy_mj": self.energy_mj,
            "device_macs": self.device_macs,
            "total_macs": self.device_macs + self.server_macs,
            "device_parameter_bytes": self.device_parameter_bytes,
            "device_memory_bytes": self.device_memory_bytes,
        }

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self) | {"latency_ms": self.latency.total_ms}


class Profiler:
    """Costs candidates for one target; what candidates share is counted once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._tables = OperatorTables()
        self._times = {
            "device": times_of(target.device, self._tables),
            "server": times_of(target.server, self._tables),
        }

    def profile(self, model: SplitModel) -> Profile:
        """Costs one assembled candidate."""
        crossing = model.crossing
        if crossing is None:
            return self.fold(model, payload=0, encode=ZERO, decode=ZERO)
        elements, bits = math.prod(crossing.output_shape), crossing.bits
        raw = crossing.name == "camera"  # pixels are integers already
        return self.fold(
            model,
            payload=payload_bytes(elements, bits),
            encode=ZERO if raw else self._times["device"].pack(elements, bits),
            decode=ZERO if raw else self._times["server"].unpack(elements, bits),
        )

    def fold(self, model: SplitModel, *, payload: float, encode: Duration, decode: Duration) -> Profile:
        """Costs a candidate whose payload and codec times are known; a payload of 0 sends nothing."""
        target = self.target
        device, server = (self._sum(self._running(model, site)) for site in ("device", "server"))
        latency = self._latency(model, payload, encode, decode)
        width = element_bytes(target.device)
        return Profile(
            latency=latency,
            payload_bytes=payload,
            device_macs=device.macs,
            server_macs=server.macs,
            device_parameters=device.parameters,
            server_parameters=server.parameters,
            device_parameter_bytes=device.parameters * width,
            device_memory_bytes=(device.parameters + device.peak_elements) * width,
            energy_mj=self._energy_mj(latency, payload),
            exit=self._exit(model),
        )

    def _latency(self, model: SplitModel, payload: float, encode: Duration, decode: Duration) -> Latency:
        head = Duration.total((self._times["device"].chain(self._running(model, "device")), encode))
        tail = Duration.total((self._times["server"].chain(self._running(model, "server")), decode))
        both = Duration.total((head, tail))
        return Latency(
            head_ms=head.ms,
            encode_ms=encode.ms,
            transfer_ms=transfer_ms(self.target.network, payload) if payload else 0.0,
            tail_ms=tail.ms,
            source=weakest((both.source, self.target.network.source) if payload else (both.source,)),
            deviation_ms=both.deviation_ms,
            in_range=both.in_range,
        )

    def stages(self, model: SplitModel) -> list[StageProfile]:
        """The costs stage by stage, the exit's classifier last."""
        stages = (*model.stages, *((model.exit.stage,) if model.exit else ()))
        return [self._stage(stage) for stage in stages]

    def _stage(self, stage: Stage) -> StageProfile:
        sums = self._tables.total(stage)
        return StageProfile(
            name=stage.name,
            site=stage.site,
            output_shape=stage.output_shape,
            macs=sums.macs,
            parameters=sums.parameters,
            milliseconds=self._times[stage.site].chain((stage,)).ms,
        )

    def _exit(self, model: SplitModel) -> ExitProfile | None:
        if model.exit is None:
            return None
        latency_ms = self._times["device"].chain(model.until_exit).ms
        own = self._tables.total(model.exit.stage)
        return ExitProfile(
            latency_ms=latency_ms,
            device_macs=self._sum(model.until_exit).macs,
            exit_macs=own.macs,
            exit_parameters=own.parameters,
            energy_mj=self.target.device.power.active_w * latency_ms,
        )

    def costs(self, stage: Stage) -> Mapping[str, OperatorCost]:
        """The operator table of one stage."""
        return self._tables.of(stage)

    def _running(self, model: SplitModel, site: Site) -> tuple[Stage, ...]:
        """What runs there for an image that goes on: the exit's classifier too."""
        after = (model.exit.stage,) if model.exit is not None and site == "device" else ()
        return (*model.at(site), *after)

    def _sum(self, stages: Iterable[Stage]) -> Cost:
        return added(map(self._tables.total, stages))

    def _energy_mj(self, latency: Latency, payload: float) -> float:
        """Watts times milliseconds are millijoules."""
        power = self.target.device.power
        waiting = latency.transfer_ms + latency.tail_ms
        radio = radio_mj(self.target.network, payload) if payload else 0.0
        return power.active_w * latency.head_ms + power.idle_w * waiting + radio
