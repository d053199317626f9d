"""What a run's candidates and baselines would take elsewhere, from their stored stage costs and without training.

The same arithmetic runs in the browser (`page/whatif.js`); a test holds the two together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from splitsearch.profilers.energy import active_w, idle_w
from splitsearch.profilers.networks.network import override
from splitsearch.profilers.networks.transfer import NOTHING, Link, Transfer
from splitsearch.profilers.queueing import waiting
from splitsearch.profilers.spread import Spread
from splitsearch.profilers.target import Target
from splitsearch.searcher.report.record import Record

__all__ = [
    "LOADS",
    "RATES_MBPS",
    "Option",
    "Scenario",
    "baseline_label",
    "candidate_label",
    "constants",
    "energy_mj",
    "fault",
    "latency_ms",
    "options",
]

RATES_MBPS = tuple(round(10 ** (-1 + k / 12), 4) for k in range(49))
"""Uplinks of the winner map: twelve to a decade, from 0.1 to 1000 Mbit/s."""

LOADS = tuple(round(k / 40, 3) for k in range(39))
"""Server loads of the winner map."""

_TOGETHER = "\N{NO-BREAK SPACE}"
_AGREE = 1e-6  # relative: stored figures are floats of the same arithmetic


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Another target, as changes to the run's own.

    Attributes:
        device_factor: how many times as fast the device is.
        server_factor: likewise the server.
        uplink_mbps: median rate; None for the run's own.
        rtt_ms: median round trip; None for the run's own.
        server_load: share of time that the server is busy; None for the run's own.
    """

    device_factor: float = 1.0
    server_factor: float = 1.0
    uplink_mbps: float | None = None
    rtt_ms: float | None = None
    server_load: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A candidate or a baseline with the costs that no scenario changes.

    Attributes:
        name: `trial 7`, or that of the baseline.
        label: for people: the configuration, or what the baseline does.
        trial: its number; None for a baseline.
        on_front: whether it lies on the run's front.
        accuracy: top-1 on the validation images.
        head_ms: of the full branch on the run's device, encoding included.
        tail_ms: likewise on the server, decoding included.
        payload_bytes: of an image that is sent; 0 if none is.
        exit_rate: share of the images that the device answers alone.
        exit_ms: how long these take.
        latency_ms: as the run stored it.
        transfer_ms: as the run stored it, for networks that cannot be changed.
        energy_mj: as the run stored it.
    """

    name: str
    label: str
    trial: int | None
    on_front: bool
    accuracy: float
    head_ms: float
    tail_ms: float
    payload_bytes: float
    exit_rate: float
    exit_ms: float
    latency_ms: float
    transfer_ms: float
    energy_mj: float


def options(record: Record) -> list[Option]:
    """Every trained candidate and every baseline: what loses on this network may win on another."""
    front = record.front_trials
    found = [
        _option(f"trial {trial.trial}", candidate_label(trial.config), trial.values, trial.latency, trial.trial, front)
        for trial in record.trained
    ]
    baselines = [
        _option(b["name"], baseline_label(b["name"]), b["values"], b["latency"], None, front)
        for b in record.document["baselines"]
    ]
    return [*found, *baselines]


def candidate_label(config: dict[str, Any]) -> str:
    """A configuration in one line; fields that only this release does not know are shown too."""
    width = f"{config['channels']}{_TOGETHER}ch · {config['bits']}{_TOGETHER}bit"
    place = f"{config['cut']} · {config['head']} · {width}"
    known = ("cut", "head", "channels", "bits", "backbone", "image_size")
    more = [f"{name} {value}" for name, value in config.items() if name not in known]
    return " · ".join((place, *more))


def baseline_label(name: str) -> str:
    """What a baseline is, in words."""
    if name == "local":
        return "all on the device"
    if name == "server_raw":
        return "server, raw pixels"
    if name.startswith("local_"):
        return f"{name.removeprefix('local_')} on the device"
    codec, _, quality = name.removeprefix("server_").partition("_q")
    return f"server, {({'jpeg': 'JPEG', 'webp': 'WebP'}).get(codec, codec)} {quality}".strip()


def _option(  # the parts of a row
    name: str, label: str, values: dict[str, float], latency: dict[str, Any], trial: int | None, front: set[int]
) -> Option:
    rate = float(values.get("exit_rate", 0.0))
    full = latency["head_ms"] + latency["transfer_ms"] + latency["queue_ms"] + latency["tail_ms"]
    return Option(
        name=name,
        label=label,
        trial=trial,
        on_front=trial in front,
        accuracy=values["accuracy"],
        head_ms=latency["head_ms"],
        tail_ms=latency["tail_ms"],
        payload_bytes=values["payload_bytes"] / (1 - rate) if rate < 1 else 0.0,
        exit_rate=rate,
        exit_ms=(values["latency_ms"] - (1 - rate) * full) / rate if rate else 0.0,
        latency_ms=values["latency_ms"],
        transfer_ms=latency["transfer_ms"],
        energy_mj=values["energy_mj"],
    )


def latency_ms(option: Option, target: Target, scenario: Scenario) -> float:
    """Expected milliseconds from image to answer under a scenario."""
    terms = _terms(option, target, scenario)
    exit_ms = option.exit_ms / scenario.device_factor
    return option.exit_rate * exit_ms + (1 - option.exit_rate) * (terms.head_ms + terms.waiting_ms)


def energy_mj(option: Option, target: Target, scenario: Scenario) -> float:
    """The device's expected energy under a scenario; a faster device is taken to draw the same power."""
    terms = _terms(option, target, scenario)
    device, radio, air = target.device, target.network.radio, terms.transfer.airtime_ms
    full = active_w(device) * terms.head_ms + idle_w(device) * terms.waiting_ms
    if radio is not None and terms.transfer.messages:
        listening = max(0.0, terms.waiting_ms - air)
        full += radio.transmit_w * air + (radio.receive_w or radio.idle_w) * listening
        full += (radio.tail_w or 0.0) * (radio.tail_ms or 0.0)
    early = active_w(device) * option.exit_ms / scenario.device_factor
    return option.exit_rate * early + (1 - option.exit_rate) * full


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """Of the full branch: on the device; and from there to the answer."""

    head_ms: float
    waiting_ms: float
    transfer: Transfer


def _terms(option: Option, target: Target, scenario: Scenario) -> _Terms:
    head, tail = option.head_ms / scenario.device_factor, option.tail_ms / scenario.server_factor
    if not option.payload_bytes:
        return _Terms(head_ms=head, waiting_ms=tail, transfer=NOTHING)
    network = override(target.network, uplink_mbps=scenario.uplink_mbps, rtt_ms=scenario.rtt_ms)
    transfer = Link(network, target.software_ms).transfer(option.payload_bytes)
    load = target.server_load if scenario.server_load is None else scenario.server_load
    return _Terms(head_ms=head, waiting_ms=transfer.total_ms + waiting(load, tail).mean_ms + tail, transfer=transfer)


def fault(record: Record, found: Sequence[Option]) -> str:
    """Why the run cannot be costed elsewhere; empty if it can.

    The stored costs have to follow from the profile files as they are today, or their owner has changed them since.
    """
    target = record.target
    if target is None:
        return f"The profiles of this run cannot be read any more: {record.target_fault}."
    for option in found:
        again = latency_ms(option, target, Scenario())
        if not math.isclose(again, option.latency_ms, rel_tol=_AGREE, abs_tol=1e-9):
            return (
                f"The profile files have changed since the run: {option.name} took {option.latency_ms:.2f} ms then and "
                f"takes {again:.2f} ms by the files of today."
            )
    return ""


def constants(target: Target) -> dict[str, Any]:
    """What the arithmetic needs to know of machines and network, as plain data for the browser."""
    network, radio = target.network, target.network.radio
    rate, trip = _mean_factors(target)
    return {
        "uplink_mbps": network.uplink_mbps,
        "rtt_ms": network.rtt_ms,
        "serialise_factor": rate,
        "rtt_factor": trip,
        "loss": network.loss,
        "transport": network.transport,
        "message_bytes": network.message_bytes,
        "overhead_bytes": network.overhead_bytes,
        "overhead_ms": network.overhead_ms,
        "duty_cycle": network.duty_cycle,
        "software_ms": target.software_ms,
        "server_load": target.server_load,
        "is_trace": network.trace is not None,
        "active_w": active_w(target.device),
        "idle_w": idle_w(target.device),
        "radio": None if radio is None else _radio(radio.model_dump()),
    }


def _radio(radio: dict[str, float | None]) -> dict[str, float]:
    """A radio whose unknown states draw what the energy model takes for them."""
    known = {name: value for name, value in radio.items() if value is not None}
    return {"receive_w": known["idle_w"], "tail_w": 0.0, "tail_ms": 0.0} | known


def _mean_factors(target: Target) -> tuple[float, float]:
    """Mean over median of serialising and of the round trip: an override keeps both."""
    network = target.network
    if network.trace is not None:
        return 1.0, 1.0
    slow = network.uplink_p5_mbps or network.uplink_mbps
    rate = Spread.lognormal(1.0, network.uplink_mbps / slow).mean_ms
    late = network.rtt_p95_ms
    trip = 1.0 if late is None else Spread.lognormal(1.0, late / network.rtt_ms).mean_ms
    return rate, trip
