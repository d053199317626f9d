"""What `splitsearch device` answers: a profile measured and written, a profile checked."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from splitsearch.profilers.devices.device import DeviceProfile, load_device
from splitsearch.profilers.devices.measured import Measured, MeasuredPart
from splitsearch.profilers.devices.trust import Asked, require
from splitsearch.profilers.measure.agent import find_power, machine
from splitsearch.profilers.measure.check import summarise
from splitsearch.profilers.measure.here import Effort, Request, measure_here, measure_jobs, prepare_jobs
from splitsearch.profilers.measure.jobs import write_jobs, write_onnx
from splitsearch.profilers.measure.older_onnx import OLDEST, OPSET
from splitsearch.profilers.measure.recheck import check_here
from splitsearch.profilers.measure.runtimes import RuntimeOptions
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.spaces.errors import UserError

__all__ = ["Checking", "Measuring", "check_device", "measure_device", "write_device_jobs"]

Progress = Callable[[str, int, int], None]

_OTHER_PACE = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What `device measure` is asked for.

    Attributes:
        backbones: by name.
        image_size: side of the image in pixels.
        effort: how long.
        options: in which runtime.
        jobs: folder of jobs to make the profile of, in place of backbones.
        output: file to write.
        resume: go on with an interrupted measurement.
        keep: whether networks and raw samples stay.
    """

    backbones: tuple[str, ...]
    image_size: int
    effort: Effort
    options: RuntimeOptions
    jobs: str | None
    output: str
    resume: bool
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What `device check` is asked for.

    Attributes:
        profile: file to check.
        backbones: of which candidates are drawn; those of the profile if there are none.
        candidates: how many, of each.
        cuts: of the table to measure again, of each.
        runtime: that the profile has to be of; None for its own.
        effort: how long.
        fold: whether what was measured goes into the file.
        accept_doubtful: whether a profile that doubts itself will do.
    """

    profile: str
    backbones: tuple[str, ...]
    candidates: int
    cuts: int
    runtime: str | None
    effort: Effort
    fold: bool
    accept_doubtful: bool


def write_device_jobs(request: Request, opset: int, output: str, progress: Progress) -> str:
    """Writes a folder of jobs; returns what to do with it.

    Raises:
        UserError: no such backbone, no such operator set, or the folder holds other things.
    """
    folder = Path(output)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "jobs.json").is_file())):
        raise UserError(f"-o {folder} is no empty folder and holds no jobs: name another")
    if not OLDEST <= opset <= OPSET:
        raise UserError(f"--opset must be from {OLDEST} to {OPSET}, not {opset}")
    jobs, items = prepare_jobs(request, ("onnxruntime", "tensorrt"), progress)
    shutil.rmtree(folder, ignore_errors=True)
    write_onnx(folder, items, progress, opset)
    write_jobs(folder, jobs)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    return (
        f"{len(items)} networks, {size:.0f} MiB in {folder}; on the device: python3 agent.py {folder.name}; "
        f"here, with {folder}/samples back: splitsearch device measure --jobs {folder} -o my.json"
    )


def measure_device(asked: Measuring, progress: Progress) -> dict[str, Any]:
    """Measures, writes the profile, and says what it holds.

    Raises:
        UserError: an input is wrong; nothing has been measured.
    """
    target = Path(asked.output)
    if asked.jobs is not None and asked.backbones:
        raise UserError("--jobs names its own backbones: leave --backbone out")
    if not target.resolve().parent.is_dir() or not os.access(target.resolve().parent, os.W_OK) or target.is_dir():
        raise UserError(f"-o {target}: the file cannot be written: is its folder there, and yours?")
    if asked.jobs is not None:
        effort = asked.effort
        device = measure_jobs(Path(asked.jobs), asked.options, effort, target, progress, resume=asked.resume)
    else:
        request = Request(backbones=asked.backbones, image_size=asked.image_size, effort=asked.effort)
        device = measure_here(request, asked.options, target, progress, resume=asked.resume)
    write_atomic(target, json.dumps(device.to_json(), indent=1) + "\n")
    if asked.jobs is None and not asked.keep:
        shutil.rmtree(target.with_name(f"{target.name}.work"))
    return _summary(device, target, local=asked.jobs is None)


def _summary(device: DeviceProfile, target: Path, *, local: bool) -> dict[str, Any]:
    measured = device.measured
    assert measured is not None
    environment, protocol = measured.environment, measured.protocol
    warnings = [f"this profile is doubtful, and refused by default: {reason}" for reason in environment.reasons]
    if measured.power is None:
        reason = find_power()[1] if local else "the agent found no meter"
        warnings.append(
            f"{reason}: energies rest on an assumption of {device.power.active_w:g} W; state it with --watts"
        )
    return {
        "file": str(target),
        "device": device.description,
        "warnings": warnings,
        "environment": environment.model_dump(mode="json"),
        "backbones": [
            {
                "backbone": backbone.backbone,
                "image_size": backbone.image_size,
                "whole_ms": backbone.whole.p50,
                "cuts": [
                    {
                        "cut": cut.cut,
                        "shape": list(cut.shape),
                        "head_ms": cut.head.p50,
                        "tail_ms": cut.tail.p50 if cut.tail is not None else None,
                    }
                    for cut in backbone.cuts
                ],
            }
            for backbone in measured.backbones
        ],
        "summary": f"{target}: {protocol.rounds} rounds in {protocol.seconds:.0f} s, halves "
        f"{environment.halves_percent:.1f} % apart, {len(measured.parts)} parts, {len(measured.kernels)} kernels. "
        f"{_swing(measured)}{device.method}",
    }


def _swing(measured: Measured) -> str:
    """By how much the machine's pace moved while it was measured."""
    if measured.pace is None:
        return ""
    return (
        f"In four visits of five the machine's pace lay within {measured.pace.p90_ms / measured.pace.p10_ms - 1:.0%}; "
        "figures are at its median. "
    )


def check_device(asked: Checking, progress: Progress) -> dict[str, Any]:
    """Measures candidates that the profile has not seen, and sets them beside its predictions.

    Raises:
        UserError: an input is wrong, or this is not a machine for that profile.
    """
    if asked.candidates < 0 or asked.cuts < 0 or asked.candidates + asked.cuts == 0:
        raise UserError(f"--candidates {asked.candidates} and --cuts {asked.cuts} leave nothing to check")
    device = require(load_device(asked.profile), Asked(runtime=asked.runtime, doubtful=asked.accept_doubtful))
    counts = asked.candidates, asked.cuts
    rows, parts, slower = check_here(device, asked.backbones, counts, asked.effort, progress)
    notes = [] if device.measured is None else _other_machine(device)
    if slower is not None:
        notes.append(_pace(slower))
    if asked.fold:
        notes.append(_fold(Path(asked.profile), device, parts))
    return {
        "profile": asked.profile,
        "rows": [row.to_json() for row in rows],
        "summary": {name: asdict(found) for name, found in summarise(rows).items()},
        "slower": slower,
        "notes": notes,
    }


def _other_machine(device: DeviceProfile) -> list[str]:
    """Says so if this is another processor than the profile's: its errors are then not those of the model."""
    measured = device.measured
    assert measured is not None
    here = machine()
    if (here["cpu"], here["cores"]) == (measured.machine.cpu, measured.machine.cores):
        return []
    return [
        f"the profile was measured on {measured.machine.cpu} with {measured.machine.cores} cores, this is "
        f"{here['cpu']} with {here['cores']}: the errors say nothing about the profile"
    ]


def _pace(slower: float) -> str:
    """What the yardstick says of this machine now; clocks and power modes show here, and what else is running."""
    said = f"this machine takes {slower:.3f} times as long now as when the profile was measured, by its yardstick"
    if not 1 / _OTHER_PACE <= slower <= _OTHER_PACE:
        return (
            f"{said}: is it in another power mode, or busy? The errors leave that out; latencies of this profile hold "
            "for the other pace"
        )
    return f"{said}: that is left out of the errors"


def _fold(file: Path, device: DeviceProfile, parts: list[MeasuredPart]) -> str:
    """Adds parts to the file; one that was measured before is replaced."""
    measured = device.measured
    assert measured is not None
    if not file.is_file():
        raise UserError(f"--fold needs a profile file of your own, not the shipped name '{file}'")
    names = {part.name for part in parts}
    kept = tuple(part for part in measured.parts if part.name not in names)
    folded = device.model_copy(update={"measured": measured.model_copy(update={"parts": (*kept, *parts)})})
    write_atomic(file, json.dumps(folded.to_json(), indent=1) + "\n")
    return f"{len(parts)} parts were folded into {file}: its predictions rest on {len(kept) + len(parts)} now"
