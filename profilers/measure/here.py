"""Measuring the machine that splitsearch itself runs on: plan, export, rounds, profile; and jobs for other machines."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import KernelFields, RuntimeName
from splitsearch.profilers.measure import agent
from splitsearch.profilers.measure.codec import payload_tasks
from splitsearch.profilers.measure.document import profile_of, read_samples
from splitsearch.profilers.measure.jobs import describe_jobs, read_jobs, write_jobs, write_onnx
from splitsearch.profilers.measure.pace import yardstick
from splitsearch.profilers.measure.plan import EXTENTS, Item, backbone_items, teaching_items
from splitsearch.profilers.measure.runtimes import RuntimeOptions, make_runtime, needs_onnx
from splitsearch.profilers.predict.fuse import kernels_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.backbones.loading import fresh_module
from splitsearch.spaces.errors import Interrupted, UserError
from splitsearch.spaces.variants.variants import Variants

__all__ = [
    "Effort",
    "Progress",
    "Request",
    "kernel_fields",
    "measure_here",
    "measure_jobs",
    "prepare_jobs",
    "run_agent",
]

Progress = Callable[[str, int, int], None]

_GO_ON = "interrupted; the same command with --resume goes on from here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long something is measured.

    Attributes:
        preset: `quick`, `standard` or `thorough`.
        seed: of inputs, orders and drawn candidates.
        watts: active power, where the user states it.
    """

    preset: str = "standard"
    seed: int = 0
    watts: float | None = None

    def __post_init__(self) -> None:
        if self.watts is not None and not 0 < self.watts < 1e5:
            raise UserError(f"--watts must be a positive number of watts, not {self.watts:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be measured.

    Attributes:
        backbones: by name.
        image_size: side of the image in pixels.
        effort: how long.
    """

    backbones: tuple[str, ...]
    image_size: int = 224
    effort: Effort = Effort()

    def __post_init__(self) -> None:
        if not self.backbones:
            raise UserError("--backbone is missing; `splitsearch backbones` lists what ships")
        if self.image_size < 1:
            raise UserError(f"--image-size must be at least 1 pixel, not {self.image_size}")


def prepare_jobs(
    request: Request, runtimes: Sequence[RuntimeName], progress: Progress
) -> tuple[dict[str, Any], list[Item]]:
    """What has to be measured, in plain data and as networks.

    Raises:
        UserError: no such backbone, or one that does not take images of this size.
    """
    items: list[Item] = []
    described = []
    for place, name in enumerate(dict.fromkeys(request.backbones)):
        progress("networks", place, len(request.backbones))
        torch.manual_seed(request.effort.seed)  # of fresh weights
        variants = Variants.trace(name, fresh_module(name), request.image_size)
        own, description = backbone_items(variants)
        items += own + teaching_items(variants, EXTENTS[request.effort.preset], request.effort.seed)
        described.append(description)
    items.append(yardstick(runtimes[0]))
    progress("networks", len(request.backbones), len(request.backbones))
    return describe_jobs(items, described, runtimes, _kernels), items


def _kernels(item: Item, runtime: RuntimeName) -> Sequence[Kernel]:
    return kernels_of(item.graph_module, item.input_shape, runtime)


def kernel_fields(item: Item, options: RuntimeOptions) -> tuple[KernelFields, ...]:
    """The kernels into which a runtime fuses a part, as a file holds them."""
    return tuple(
        KernelFields.model_validate_json(json.dumps(asdict(kernel))) for kernel in _kernels(item, _name(options))
    )


def measure_here(
    request: Request, options: RuntimeOptions, target: Path, progress: Progress, *, resume: bool = False
) -> DeviceProfile:
    """Measures backbones on this machine.

    Args:
        request: which, and how long.
        options: in which runtime.
        target: file of the profile; beside it lies the work, `<target>.work`, until all is done.
        progress: hears what is done, how much of it, of how much.
        resume: go on with the work of an earlier start.

    Raises:
        UserError: an input is wrong, or this machine lacks the runtime, its provider, or a readable rail.
        Interrupted: the message says how to go on.
    """
    work = target.with_name(f"{target.name}.work")
    make_runtime(options, work, {})  # what this machine lacks is said before anything is built
    _require_power(request.effort.watts)
    if work.exists() and not resume:
        shutil.rmtree(work)
    try:
        runtimes: list[RuntimeName] = [_name(options)]
        jobs, items = prepare_jobs(request, runtimes, progress)
        _write(work, jobs, items if needs_onnx(options.name) else [], progress)
        runtime = make_runtime(options, work, {item.name: item for item in items})
        run_agent(jobs, runtime, work / "samples", request.effort, progress)
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted(_GO_ON) from error
    return profile_of(jobs, read_samples(work / "samples" / "samples.jsonl", jobs), target.stem)


def _name(options: RuntimeOptions) -> RuntimeName:
    names: tuple[RuntimeName, ...] = ("eager", "compile", "onnxruntime", "tensorrt")
    return next(name for name in names if name == options.name)


def _write(work: Path, jobs: dict[str, Any], items: Sequence[Item], progress: Progress) -> None:
    """Networks and jobs, unless an earlier start has written the same."""
    if (work / "jobs.json").is_file():
        if read_jobs(work)[1]["id"] == jobs["id"]:
            return
        raise UserError(f"{work}: was begun with other backbones, sizes or presets: leave --resume out to start anew")
    if items:
        write_onnx(work, items, progress)
    write_jobs(work, jobs)


def _require_power(watts: float | None) -> str:
    """Refuses a rail that is there and cannot be read; returns why there is no meter, or an empty text."""
    if watts is not None:
        return ""
    try:
        return agent.find_power()[1]
    except agent.Refusal as error:
        raise UserError(str(error)) from error


def run_agent(jobs: dict[str, Any], runtime: agent.Runtime, samples: Path, effort: Effort, progress: Progress) -> None:
    """Runs the agent's protocol in this process, with the payload's own packing.

    Raises:
        UserError: the runtime refuses a network, or the samples are of another measurement.
    """
    samples.mkdir(parents=True, exist_ok=True)
    settings = {"preset": effort.preset, "seed": effort.seed, "watts": effort.watts}
    try:
        log = agent.Log(str(samples / "samples.jsonl"))
        try:
            agent.work(jobs, runtime, log, settings, progress, payload_tasks(jobs["codec"], effort.seed))
        finally:
            log.close()
            torch.set_flush_denormal(False)  # ONNX Runtime leaves it on, for everything in this thread
    except agent.Refusal as error:
        raise UserError(str(error)) from error


def measure_jobs(
    path: Path, options: RuntimeOptions, effort: Effort, target: Path, progress: Progress, *, resume: bool = False
) -> DeviceProfile:
    """Makes a profile of jobs: of the samples that another machine took, else by measuring them here.

    Args:
        path: jobs.json or its folder.
        options: in which runtime to measure here, if there are no samples.
        effort: how long to measure here.
        target: file of the profile.
        progress: hears what is done.
        resume: go on with samples that were begun here.

    Raises:
        UserError: the jobs or the samples are damaged, or do not belong together.
    """
    folder, jobs = read_jobs(path)
    samples = folder / "samples"
    if resume or not (samples / "samples.jsonl").is_file():
        if not needs_onnx(options.name):
            raise UserError(f"--jobs holds ONNX files: --runtime must be onnxruntime or tensorrt, not {options.name}")
        try:
            run_agent(jobs, make_runtime(options, folder, {}), samples, effort, progress)
        except (KeyboardInterrupt, Interrupted) as error:
            raise Interrupted(_GO_ON) from error
    return profile_of(jobs, read_samples(samples / "samples.jsonl", jobs), target.stem)
