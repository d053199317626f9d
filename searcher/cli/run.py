"""`splitsearch run`: the search."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import (
    AcceptDoubtful,
    Backbone,
    DataDir,
    DatasetName,
    Device,
    ImageSize,
    Json,
    Network,
    RoundTrip,
    Server,
    ServerLoad,
    TrainingDevice,
    Uplink,
    Weights,
)

__all__ = ["COMMANDS"]

_BUDGETS = (
    "max_latency_ms",
    "max_payload_bytes",
    "max_energy_mj",
    "max_device_macs",
    "max_device_memory_bytes",
    "max_accuracy_drop",
)
_FREE = ("device", "trials", "timeout", "plateau", "workers", "storage", "confirm", "confirm_epochs", "measure")
_UNSET: Any = None


def run(
    backbone: Backbone = None,
    device_profile: Device = None,
    server_profile: Server = None,
    network: Network = None,
    uplink_mbps: Uplink = None,
    rtt_ms: RoundTrip = None,
    server_load: ServerLoad = None,
    weights: Weights = None,
    dataset: DatasetName = None,
    data_dir: DataDir = None,
    image_size: ImageSize = None,
    subset: Annotated[int | None, typer.Option(help="Train on so many images, stratified by class.")] = None,
    space: Annotated[str | None, typer.Option(help="Shipped space or YAML file. [default: small]")] = None,
    objectives: Annotated[
        str | None, typer.Option(help="Names with commas. [default: accuracy,latency_ms,payload_bytes]")
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Candidates to train. [default: 30]")] = None,
    timeout: Annotated[float | None, typer.Option(help="Start no trial after so many seconds.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="known-cost, tpe, nsga2, gp, random or grid. [default: known-cost]")
    ] = None,
    trainer: Annotated[str | None, typer.Option(help="How encoder and decoder learn. [default: hnd]")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each short distillation. [default: 5]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images in a training step. [default: 64]")] = None,
    teacher_epochs: Annotated[
        int | None, typer.Option(help="Train the whole teacher so long. [default: 5 from scratch, else 0]")
    ] = None,
    plateau: Annotated[
        int | None, typer.Option(help="End after so many trainings that add nothing to the front. [default: never]")
    ] = None,
    confirm: Annotated[
        int | None, typer.Option(help="Train so many candidates of the front again, longer, with another seed.")
    ] = None,
    confirm_epochs: Annotated[int | None, typer.Option(help="Of those trainings. [default: 3 times --epochs]")] = None,
    measure: Annotated[
        str | None, typer.Option(help="Measure the heads of the front: local, or jobs for the agent on a device.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            envvar="SPLITSEARCH_STORAGE",
            help="Where the study lies: journal:FILE, postgresql://…, mysql://…. [default: a file in the run folder]",
        ),
    ] = None,
    study: Annotated[str | None, typer.Option(help="Its name there. [default: splitsearch]")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes on this machine. [default: 1]")] = None,
    artifacts: Annotated[
        str | None,
        typer.Option(help="Folder or s3://BUCKET through which teacher and checkpoints travel to other workers."),
    ] = None,
    heartbeat_s: Annotated[
        int | None, typer.Option("--heartbeat", help="Seconds between a worker's signs of life. [default: 30]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same front. [default: 0]")] = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Budget.")] = None,
    max_payload_bytes: Annotated[float | None, typer.Option(help="Budget.")] = None,
    max_energy_mj: Annotated[float | None, typer.Option(help="Budget of the device.")] = None,
    max_device_macs: Annotated[float | None, typer.Option(help="Budget.")] = None,
    max_device_memory_bytes: Annotated[float | None, typer.Option(help="Budget.")] = None,
    max_accuracy_drop: Annotated[float | None, typer.Option(help="Budget below the teacher, such as 0.02.")] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="A small backbone for the device alone, such as mobilenet_v3_small; repeatable."),
    ] = None,
    webp: Annotated[
        bool | None, typer.Option("--webp/--no-webp", help="Compare with WebP files too, beside JPEG. [default: webp]")
    ] = None,
    stopping: Annotated[
        bool | None,
        typer.Option("--stopping/--no-stopping", help="End trainings early that cannot reach the front. [default: on]"),
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where teachers are kept. [default: SPLITSEARCH_CACHE]")
    ] = None,
    cache_gb: Annotated[
        float | None, typer.Option(help="Decoded images and activations that the cache may hold, in GB. [default: 20]")
    ] = None,
    proxy_image_size: Annotated[
        int | None,
        typer.Option(help="Train and validate trials on images of this side; costs stay those of --image-size."),
    ] = None,
    views: Annotated[
        int | None, typer.Option(help="Fixed augmented views of each training image, itself among them. [default: 1]")
    ] = None,
    flips: Annotated[
        bool | None,
        typer.Option("--flips/--no-flips", help="Whether views may be mirrored. [default: photographs, yes; else no]"),
    ] = None,
    accept_doubtful: AcceptDoubtful = None,
    device: TrainingDevice = None,
    amp: Annotated[
        bool | None, typer.Option("--amp/--no-amp", help="Train in half precision. [default: on GPUs alone]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder. [default: runs/<backbone>-<dataset>-<time>]")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    json: Json = False,
) -> None:
    """Searches cuts and bottlenecks, and prints the Pareto front.

    Example: splitsearch run --backbone resnet152 --device-profile jetson.json
    """
    given = {name: value for name, value in locals().items() if value is not None}
    for name in ("out", "resume", "json"):
        given.pop(name, None)
    if "baseline" in given:
        given["baseline"] = tuple(given["baseline"])
    if resume is not None:
        _resume(resume, out, given, json)
    else:
        _start(out, given, json)


COMMANDS: dict[str, Callable[..., None]] = {"run": run}


def _start(out: Path | None, given: dict[str, Any], json: bool) -> None:
    from splitsearch.searcher.settings import RunSettings
    from splitsearch.spaces.errors import UserError

    for name in ("backbone", "device_profile"):
        if name not in given:
            listing = f"splitsearch {name.partition('_')[0]}s"
            raise UserError(f"--{name.replace('_', '-')} is missing; `{listing}` lists what ships")
    budgets = {name: given.pop(name) for name in _BUDGETS if name in given}
    if "cache_dir" in given:
        given["cache_dir"] = str(given["cache_dir"])
    settings = RunSettings(budgets=budgets, directory=str(Path.cwd()), **given)
    if out is not None and (out / "run.yaml").is_file():
        raise UserError(f"'{out}' holds a run already; go on with it by `splitsearch run --resume {out}`")
    _search(settings, out, json)


def _resume(folder: Path, out: Path | None, given: dict[str, Any], json: bool) -> None:
    from dataclasses import replace

    from splitsearch.searcher.run import read_run
    from splitsearch.spaces.errors import UserError

    settings = read_run(folder)
    if out is not None:
        raise UserError("--resume names the run folder already; leave --out away")
    free = {name: given.pop(name) for name in _FREE if name in given}
    if "***" in (settings.storage or "") and "storage" not in free:
        raise UserError(f"the run's storage is {settings.storage}: give it with its password as --storage")
    for name, value in given.items():
        kept = settings.budgets.get(name) if name in _BUDGETS else getattr(settings, name)
        if str(value) != str(kept):
            flags = ", ".join(f"--{free.replace('_', '-')}" for free in _FREE)
            flag = f"--{name.replace('_', '-')}"
            raise UserError(f"{flag} {value} differs from the run's {kept}; --resume may change {flags} alone")
    _search(replace(settings, **free), folder, json)


def _search(settings: Any, folder: Path | None, json: bool) -> None:
    from splitsearch.searcher.cli.progress import make_reporter
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.cli.tables import print_document
    from splitsearch.searcher.run import check, default_folder
    from splitsearch.searcher.run import run as search
    from splitsearch.spaces.errors import Interrupted

    check(settings)
    place = folder if folder is not None else default_folder(settings)
    with results_only(), make_reporter(place) as reporter:
        try:
            document = search(settings, place, reporter, command=["splitsearch", *sys.argv[1:]])
        except Interrupted as error:
            started = (place / "run.yaml").is_file()
            hint = f"go on with: splitsearch run --resume {place}" if started else "nothing was written"
            raise Interrupted(f"interrupted; {hint}") from error
    print_document(document, place, json=json)
