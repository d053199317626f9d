"""`splitsearch train`: everything in the order in which it may fail, and nothing written before it has been checked."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splitsearch.profilers.heap import keep_freed_memory
from splitsearch.searcher.deploy.folder import CONFIG, open_export
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.engine.sharing.hold import hold
from splitsearch.searcher.fulltrain.attempts import Attempts
from splitsearch.searcher.fulltrain.epochs import Story
from splitsearch.searcher.fulltrain.journal import wants_events
from splitsearch.searcher.fulltrain.material import Material, gather
from splitsearch.searcher.fulltrain.record import RECORD, read_record, require_agreement, write_record
from splitsearch.searcher.fulltrain.refresh import finish_install, refresh
from splitsearch.searcher.fulltrain.settings import TrainSettings, require_same, resolved
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import read_settings
from splitsearch.searcher.training.processes import Processes
from splitsearch.spaces.errors import UserError

__all__ = ["SUMMARY", "Job", "default_out", "train"]

SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What `splitsearch train` is asked for.

    Attributes:
        config: `config.yaml` of an export folder, or the folder.
        given: flags that decide the result, by the names of the fields of `TrainSettings`.
        out: the training's folder; None for `training` in the export folder.
        resume: whether to go on with what is there.
        tensorboard: whether events are written; None where the package is installed.
        command: the command line, for the record.
        resuming: the command line that goes on with the training.
    """

    config: Path
    given: Mapping[str, Any]
    out: Path | None = None
    resume: bool = False
    tensorboard: bool | None = None
    command: str = ""
    resuming: str = ""


def default_out(config: Path) -> Path:
    """Where a training lies unless -o says otherwise."""
    return (config if config.is_dir() else config.parent) / "training"


def train(job: Job, processes: Processes, reporter: Reporter) -> dict[str, Any]:
    """Trains an exported candidate in full and puts the weights back into its folder.

    Args:
        job: what is asked for.
        processes: this one among those of the training.
        reporter: hears what happens; of the first process alone.

    Returns:
        The summary, the same in every process but for `export`, which the first alone knows.

    Raises:
        UserError: an input is wrong, the training diverged, or memory ran out.
        Interrupted: Ctrl-C or SIGTERM; the message says how to go on.
        ElsewhereError: the first process failed.
    """
    out = job.out or default_out(job.config)
    material = processes.first_then_rest(lambda: _prepared(job, out, processes, reporter))
    if job.resume and (out / SUMMARY).is_file():
        reporter.say(f"the training in '{out}' has ended already; for another one name another folder with -o")
        return dict(json.loads((out / SUMMARY).read_text(encoding="utf-8")))
    with _held(out, processes):
        if processes.is_first and not job.resume:
            write_record(out, material, job.command)
        attempts = Attempts(material=material, out=out, reporter=reporter, resuming=job.resuming)
        story = attempts.run(resume=job.resume, tensorboard=wants_events(job.tensorboard))
        found = _summary(material, story, out)
        if processes.is_first:
            folder, refreshed = refresh(material, story, out, reporter)
            found |= {"export": str(folder), "refreshed": refreshed}
            write_atomic(out / SUMMARY, json.dumps(found, indent=1) + "\n")
        return found


def _held(out: Path, processes: Processes) -> AbstractContextManager[None]:
    """One training at a time in a folder."""
    if not processes.is_first:
        return nullcontext()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"'{out}' cannot be written: {error.strerror}") from error
    return hold(out)


def _export_folder(config: Path) -> Path:
    """The export folder that is meant.

    Raises:
        UserError: it is no folder, and no `config.yaml`.
    """
    if config.is_dir():
        return config
    if config.name != CONFIG or not config.is_file():
        raise UserError(f"no '{config}': `splitsearch export RUN -o DIR` writes the DIR/{CONFIG} that train takes")
    return config.parent


def _prepared(job: Job, out: Path, processes: Processes, reporter: Reporter) -> Material:
    """Checks everything, the cheap before the dear."""
    keep_freed_memory()  # as in a search
    folder = _export_folder(job.config)
    wants_events(job.tensorboard)
    record = read_record(out) if job.resume else None
    if record is None and (out / RECORD).is_file():
        raise UserError(f"'{out}' holds a training already: go on with it by --resume, or name another folder with -o")
    if record is not None and processes.is_first:
        finish_install(out, folder)
    export = open_export(folder)
    run = read_settings(export.settings)
    if record is None:
        settings = resolved(job.given, run, export.config, on_gpu=processes.device.type == "cuda")
    else:
        settings = record.settings
        require_same(job.given, settings)
    if settings.sync_bn and processes.device.type != "cuda":
        raise UserError("--sync-bn needs GPUs: torch synchronises norm layers there alone")
    material = gather(export, run, settings, processes, reporter)
    _require_parts(settings, processes, len(material.data.train))
    material.candidate()
    if record is not None:
        require_agreement(record, material, out)
    return material


def _require_parts(settings: TrainSettings, processes: Processes, images: int) -> None:
    """Norm layers train on at least two images at a time."""
    batch = min(settings.batch_size, images)
    if batch // processes.count // settings.accumulate < 2:
        raise UserError(
            f"batches of {batch} images leave each of {processes.count} processes fewer than 2 images in "
            f"{settings.accumulate} parts, and norm layers train on 2 at least: raise --batch-size"
        )


def _summary(material: Material, story: Story, out: Path) -> dict[str, Any]:
    settings, export, processes = material.settings, material.export, material.processes
    shown = ("epoch", "accuracy", "low", "high")
    return {
        "schema": 1,
        "backbone": export.manifest.backbone,
        "trial": export.manifest.trial,
        "training": str(out),
        "settings": settings.to_json(),
        "processes": processes.count,
        "device": str(processes.device),
        "training_images": len(material.data.train),
        "validation_images": len(material.data.val),
        "chosen_on": "validation",
        "teacher_accuracy": material.teacher.accuracy,
        "exported": story.exported,
        "best": {name: story.best[name] for name in shown},
        "last": {name: story.rows[-1][name] for name in shown},
        "seconds": sum(row["seconds"] for row in story.rows),
    }
