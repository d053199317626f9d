"""From jobs and samples to the profile file of the machine on which they were taken."""

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from splitsearch.profilers.devices.device import Codec, DeviceProfile, Power, Runtime
from splitsearch.profilers.devices.measured import (
    KernelFields,
    Machine,
    Measured,
    MeasuredBackbone,
    MeasuredCodec,
    MeasuredCut,
    MeasuredKernel,
    MeasuredPart,
    MeasuredPower,
    MeasuredRuntime,
    Pace,
    Protocol,
    Series,
)
from splitsearch.profilers.measure.agent import YARDSTICK
from splitsearch.profilers.measure.environment import environment_of, power_state_of
from splitsearch.profilers.measure.fit import Fit, fit_compute
from splitsearch.profilers.measure.pace import at_pace, pace_of, visits_in
from splitsearch.profilers.measure.series import Sample, series_of
from splitsearch.spaces.errors import UserError

__all__ = ["Samples", "profile_of", "read_samples"]

_RUNTIMES = {
    "eager": "PyTorch eager",
    "compile": "torch.compile",
    "onnxruntime": "ONNX Runtime",
    "tensorrt": "TensorRT",
}
_IDLE_SHARE = 0.4  # of the active power, where only that is stated
_WATTS_PER_CORE = 10.0
_JPEG_MPIXELS_PER_S = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What an agent wrote down.

    Attributes:
        start: its first line: machine, runtime, preset.
        readings: what the machine said, in order of time.
        visits: network to round to samples, all at one pace where there is a yardstick.
        pace: what it took; None where there is none.
        tasks: label of a task with `bytes`, and its samples.
        profiles: network to the file of its kernels, as the runtime's profiler wrote it.
        power: what the meter read; None without one.
        seconds: that the rounds took.
        rounds: how many.
    """

    start: Mapping[str, Any]
    readings: Sequence[Mapping[str, Any]]
    visits: Mapping[str, Mapping[int, Sequence[Sample]]]
    pace: Pace | None
    tasks: Sequence[tuple[Mapping[str, Any], Sequence[Sample]]]
    profiles: Mapping[str, Path]
    power: Mapping[str, Any] | None
    seconds: float
    rounds: int


def read_samples(file: Path, jobs: Mapping[str, Any]) -> Samples:
    """Reads samples.jsonl.

    Raises:
        UserError: there is none, it belongs to other jobs, or the measurement has not ended.
    """
    lines = _lines(file)
    starts = [line for line in lines if line["what"] == "start"]
    if not starts or lines[-1]["what"] != "end":
        raise UserError(f"{file}: the measurement has not ended: start the agent again, it goes on where it stopped")
    if starts[0]["jobs"] != jobs["id"]:
        raise UserError(f"{file}: these samples belong to other jobs ({starts[0]['jobs']}) than {jobs['id']}")
    visits: dict[str, dict[int, Sequence[Sample]]] = defaultdict(dict)
    tasks: dict[str, tuple[dict[str, Any], list[Sample]]] = {}
    taken = visits_in(lines)
    pace = pace_of(taken, _macs(jobs, YARDSTICK))
    for visit in at_pace(taken, pace.p50_ms if pace is not None else None):
        visits[visit.item][visit.round] = visit.samples
    for line in lines:
        if line["what"] == "task":
            taken_once = [(float(wall), own if own is None else float(own)) for wall, own in line["samples"]]
            tasks.setdefault(line["item"], (line["label"] | {"bytes": line["bytes"]}, []))[1].extend(taken_once)
    missing = [item["name"] for item in jobs["items"] if item["name"] not in visits]
    if missing:
        raise UserError(f"{file}: there are no samples of '{missing[0]}': start the agent again")
    rounds = [line for line in lines if line["what"] == "round"]
    profiles = {
        line["item"]: file.parent / line["file"] for line in lines if line["what"] == "profile" and line["file"]
    }
    return Samples(
        start=starts[0],
        readings=[line["readings"] for line in (*starts, lines[-1])],
        visits=visits,
        pace=pace,
        tasks=list(tasks.values()),
        profiles=profiles,
        power=next((line for line in lines if line["what"] == "power"), None),
        seconds=sum(line["seconds"] for line in rounds),
        rounds=len(rounds),
    )


def _macs(jobs: Mapping[str, Any], name: str) -> int:
    """Multiply-adds of one of the networks; 0 where there is no such."""
    return sum(macs for row in jobs["items"] if row["name"] == name for macs, _ in row["operators"])


def _lines(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}; the agent writes it beside the jobs") from error
    found = []
    for place, line in enumerate(text.splitlines(), start=1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise UserError(f"{file}: line {place} is no JSON: the file is damaged") from error
    return found


def profile_of(jobs: Mapping[str, Any], samples: Samples, name: str) -> DeviceProfile:
    """Makes the profile.

    Args:
        jobs: what was asked for.
        samples: what was measured.
        name: of the profile.
    """
    series = {
        item: series_of([s for taken in rounds.values() for s in taken]) for item, rounds in samples.visits.items()
    }
    measured = _measured(jobs, samples, series)
    runtime = measured.runtime
    fit = fit_compute([(row["operators"], series[row["name"]].p50) for row in jobs["items"]], runtime.dtype)
    codec, about_codec = _codec(measured)
    power, about_power = _power(measured)
    networks = ", ".join(f"{backbone.backbone} at {backbone.image_size}" for backbone in measured.backbones)
    return DeviceProfile(
        schema=1,
        name=name,
        description=f"{_describe(measured)}.",
        source="measured",
        references=(),
        runtime=Runtime(name=_RUNTIMES[runtime.name], dtype=runtime.dtype),
        compute=fit.compute,
        codec=codec,
        power=power,
        memory_mib=measured.machine.memory_mib,
        method=f"Measured by splitsearch on {networks} px: {measured.protocol.rounds} rounds. {_about(fit)} "
        f"{about_codec} {about_power}",
        measured=measured,
    )


def _describe(measured: Measured) -> str:
    machine, runtime = measured.machine, measured.runtime
    where = f"{machine.board}, {machine.accelerator or machine.cpu}"
    what = f"{_RUNTIMES[runtime.name]} {runtime.version} ({runtime.provider})"
    return f"{where}, {what}, {runtime.threads} thread{'s' * (runtime.threads > 1)}, {runtime.dtype}"


def _about(fit: Fit) -> str:
    return (
        f"The three figures of 'compute' are a roofline fitted to all measured networks, with a mean error of "
        f"{fit.error:.0%}: an estimate for what was not measured."
    )


def _measured(jobs: Mapping[str, Any], samples: Samples, series: Mapping[str, Series]) -> Measured:
    start, runtime = samples.start, samples.start["runtime"]
    alone = all(own is not None for rounds in samples.visits.values() for taken in rounds.values() for _, own in taken)
    in_backbones = {item: rounds for item, rounds in samples.visits.items() if item in _backbone_names(jobs)}
    overheads = [taken for label, taken in samples.tasks if label["op"] == "message"]
    return Measured(
        machine=Machine(**start["machine"]),
        power_state=power_state_of(samples.readings),
        runtime=MeasuredRuntime(**runtime),
        protocol=Protocol(
            preset=start["preset"],
            rounds=samples.rounds,
            warmup=1,
            seconds=samples.seconds,
            seed=start["seed"],
            clock="perf_counter and the thread's own time" if alone else "perf_counter, or events of the GPU",
        ),
        environment=environment_of(in_backbones, samples.readings),
        created=start["created"],
        tool=f"splitsearch {version('splitsearch')}, agent {start['agent']}",
        backbones=tuple(_backbone(backbone, series) for backbone in jobs["backbones"]),
        kernels=_kernels(samples, runtime["name"]),
        parts=tuple(_part(row, series, runtime["name"]) for row in jobs["items"] if "kernels" in row),
        codec=tuple(_codec_entry(label, taken) for label, taken in samples.tasks if label["op"] != "message"),
        message_overhead_ms=series_of(overheads[0]).p50 if overheads else None,
        power=_measured_power(samples),
        pace=samples.pace,
    )


def _backbone_names(jobs: Mapping[str, Any]) -> set[str]:
    return {row["name"] for row in jobs["items"] if "kernels" not in row}


def _backbone(backbone: Mapping[str, Any], series: Mapping[str, Series]) -> MeasuredBackbone:
    return MeasuredBackbone(
        backbone=backbone["backbone"],
        image_size=backbone["image_size"],
        graph=backbone["graph"],
        whole=series[backbone["whole"]],
        cuts=tuple(
            MeasuredCut(
                cut=cut["cut"],
                shape=tuple(cut["shape"]),
                head=series[cut["head"]],
                tail=series[cut["tail"]] if cut["tail"] else None,
            )
            for cut in backbone["cuts"]
        ),
    )


def _part(row: Mapping[str, Any], series: Mapping[str, Series], runtime: str) -> MeasuredPart:
    kernels = row["kernels"].get(runtime, ())
    return MeasuredPart(
        name=row["name"],
        kernels=tuple(KernelFields.model_validate_json(json.dumps(kernel)) for kernel in kernels),
        series=series[row["name"]],
        config=row["config"],
        site=row["site"],
    )


def _kernels(samples: Samples, runtime: str) -> tuple[MeasuredKernel, ...]:
    """Every profiled network's kernels, read by the importer of the runtime's format."""
    found: list[MeasuredKernel] = []
    for item, path in samples.profiles.items():
        if runtime == "onnxruntime":
            from splitsearch.profilers.measure.ort_profile import from_ort_profile

            fused = path.with_suffix(".optimized.onnx")
            found += from_ort_profile(path, fused if fused.is_file() else None, where=item)
        elif runtime == "tensorrt":
            from splitsearch.profilers.measure.trtexec import from_trtexec

            layers = path.with_suffix(".layers.json")
            found += from_trtexec(path, layers if layers.is_file() else None, where=item)
        else:
            rows = json.loads(path.read_text(encoding="utf-8"))
            found += [MeasuredKernel.model_validate_json(json.dumps(row)) for row in rows]
    return tuple(found)


def _codec_entry(label: Mapping[str, Any], taken: Sequence[Sample]) -> MeasuredCodec:
    return MeasuredCodec(
        op=label["op"],
        elements=label["elements"],
        bits=label.get("bits"),
        quality=label.get("quality"),
        bytes_out=label["bytes"],
        series=series_of(taken),
    )


def _codec(measured: Measured) -> tuple[Codec, str]:
    """Millions of pixels a second, over all qualities; an assumption where the device has no Pillow."""
    speeds = {
        op: [entry.elements / 1e3 / entry.series.p50 for entry in measured.codec if entry.op == op]
        for op in ("jpeg_encode", "jpeg_decode")
    }
    if all(speeds.values()):
        encode, decode = (statistics.median(found) for found in speeds.values())
        return Codec(jpeg_encode_mpixels_per_s=encode, jpeg_decode_mpixels_per_s=decode), "JPEG was measured."
    assumed = _JPEG_MPIXELS_PER_S
    return (
        Codec(jpeg_encode_mpixels_per_s=assumed, jpeg_decode_mpixels_per_s=assumed),
        f"JPEG was not measured, Pillow is missing there: {assumed:g} Mpixels/s is an assumption.",
    )


def _measured_power(samples: Samples) -> MeasuredPower | None:
    if samples.power is not None:
        found = samples.power
        return MeasuredPower(
            sensor=found["sensor"], rails=tuple(found["rails"]), idle_w=found["idle_w"], active_w=found["active_w"]
        )
    stated = samples.start["watts"]
    return None if stated is None else MeasuredPower(sensor="stated", active_w=float(stated))


def _power(measured: Measured) -> tuple[Power, str]:
    power = measured.power
    if power is None:
        watts = _WATTS_PER_CORE * measured.runtime.threads
        return (
            Power(idle_w=_IDLE_SHARE * watts, active_w=watts),
            f"Power could not be read and was not stated (--watts): {watts:g} W is an assumption.",
        )
    if power.idle_w is None:
        return (
            Power(idle_w=_IDLE_SHARE * power.active_w, active_w=power.active_w),
            f"Active power was stated by the user; {_IDLE_SHARE:.0%} of it while idle is an assumption.",
        )
    return Power(idle_w=power.idle_w, active_w=power.active_w), f"Power was read from {power.sensor}."
