"""What one candidate costs: a fold over its stages, without training it.

Latency is the head with encoding, the transfer, the queue of the server and the tail with decoding, for one image;
energy is what the device spends. Every term of both stands in the profile.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from splitsearch.profilers.counting.operators import Cost, OperatorCost, added
from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.duration import ZERO, Duration
from splitsearch.profilers.energy import Energy, active_w
from splitsearch.profilers.latency import Computing, Latency, Way, late_with_exit
from splitsearch.profilers.networks.transfer import NOTHING, Link, Transfer
from splitsearch.profilers.predict.roofline import element_bytes
from splitsearch.profilers.predict.times import times_of
from splitsearch.profilers.target import Target
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.model import Site, SplitModel, Stage

__all__ = ["ExitProfile", "Latency", "Profile", "Profiler", "StageProfile", "Target"]


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
        latency: term by term.
        payload_bytes: what crosses the network.
        device_macs: multiply-adds on the device (1 MAC = 2 FLOPs).
        server_macs: multiply-adds on the server.
        device_parameters: weights on the device.
        server_parameters: weights on the server.
        device_parameter_bytes: those in the number format of the device's runtime.
        device_memory_bytes: weights and the largest input and output of one operator: a lower bound.
        energy: the device's, term by term.
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
    energy: Energy
    exit: ExitProfile | None = None

    @property
    def energy_mj(self) -> float:
        """The device's energy in millijoules: compute, waiting and radio."""
        return self.energy.total_mj

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
        means = {
            name: exit_rate * early.get(name, value) + (1 - exit_rate) * value for name, value in self.values.items()
        }
        return means | {"latency_p95_ms": late_with_exit(self.latency, self.exit.latency_ms, exit_rate)}

    @property
    def values(self) -> dict[str, float]:
        """The objectives that are known before training, as if no image left at the exit."""
        return {
            "latency_ms": self.latency.total_ms,
            "latency_p95_ms": self.latency.p95_ms,
            "payload_bytes": self.payload_bytes,
            "energy_mj": self.energy_mj,
            "device_macs": self.device_macs,
            "total_macs": self.device_macs + self.server_macs,
            "device_parameter_bytes": self.device_parameter_bytes,
            "device_memory_bytes": self.device_memory_bytes,
        }

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        terms = {"latency": self.latency.to_json(), "energy": self.energy.to_json()}
        sums = {"latency_ms": self.latency.total_ms, "latency_p95_ms": self.latency.p95_ms, "energy_mj": self.energy_mj}
        return asdict(self) | terms | sums

    def resent(self, target: Target, payload: float) -> "Profile":
        """The same candidate with another payload, as after its coding was measured, or over another network."""
        if not self.payload_bytes or not payload:
            raise ValueError("what sends nothing has no other payload")
        latency = self.latency
        transfer = Link(target.network, target.software_ms).transfer(payload)
        known: dict[str, Any] = {"source": latency.source, "in_range": latency.in_range}
        head = Duration(ms=latency.head_ms, deviation_ms=latency.deviation_ms, **known)
        tail = Duration(ms=latency.tail_ms, deviation_ms=None if latency.deviation_ms is None else 0.0, **known)
        encode, decode = (Duration(ms=ms, **known) for ms in (latency.encode_ms, latency.decode_ms))
        computing = Computing(head=head, encode=encode, tail=tail, decode=decode)
        changed = Latency.of(computing, _way(target, transfer))
        energy = Energy.of(target.device, target.network, changed, transfer)
        return replace(self, payload_bytes=payload, latency=changed, energy=energy)


def _way(target: Target, transfer: Transfer) -> Way:
    network = target.network
    return Way(transfer=transfer, server_load=target.server_load, varies=network.varies, source=network.source)


class Profiler:
    """Costs candidates for one target; what candidates share is counted once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._link = Link(target.network, target.software_ms)
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
        payload = (math.prod(crossing.output_shape), crossing.bits, crossing.coding)
        raw = crossing.name == "camera"  # pixels are integers already
        return self.fold(
            model,
            payload=payload_bytes(*payload[:2]),
            encode=ZERO if raw else self._times["device"].pack(*payload),
            decode=ZERO if raw else self._times["server"].unpack(*payload),
        )

    def fold(self, model: SplitModel, *, payload: float, encode: Duration, decode: Duration) -> Profile:
        """Costs a candidate whose payload and codec times are known; a payload of 0 sends nothing."""
        target = self.target
        device, server = (self._sum(self._running(model, site)) for site in ("device", "server"))
        transfer = self._link.transfer(payload) if payload else NOTHING
        latency = Latency.of(self._computing(model, encode, decode), _way(target, transfer))
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
            energy=Energy.of(target.device, target.network, latency, transfer),
            exit=self._exit(model),
        )

    def _computing(self, model: SplitModel, encode: Duration, decode: Duration) -> Computing:
        head = Duration.total((self._times["device"].chain(self._running(model, "device")), encode))
        tail = Duration.total((self._times["server"].chain(self._running(model, "server")), decode))
        return Computing(head=head, encode=encode, tail=tail, decode=decode)

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
            energy_mj=active_w(self.target.device) * latency_ms,
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
