"""`splitsearch train`: the full training of an exported candidate."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import DataDir, DatasetName, Json, TrainingDevice

__all__ = ["COMMANDS"]


def train(
    config: Annotated[Path, typer.Argument(metavar="DIR/config.yaml", help="The config.yaml of an export folder.")],
    trainer: Annotated[str | None, typer.Option(help="How it learns. [default: as in the search]")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the images. [default: as published]")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a step, over all processes. [default: as published]")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Compute each batch in so many parts and sum the gradients. [default: 1]")
    ] = None,
    ema: Annotated[
        float | None, typer.Option(help="Keep the moving average of the weights with this decay, such as 0.999.")
    ] = None,
    amp: Annotated[
        bool | None, typer.Option("--amp/--no-amp", help="Half precision. [default: on GPUs]", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same weights on a CPU. [default: 0]")] = None,
    device: TrainingDevice = None,
    sync_bn: Annotated[
        bool | None,
        typer.Option("--sync-bn/--no-sync-bn", help="Norm layers see the images of all processes. [default: no]"),
    ] = None,
    dataset: DatasetName = None,
    data_dir: DataDir = None,
    subset: Annotated[
        int | None, typer.Option(help="Train on so many images, stratified by class. [default: all]")
    ] = None,
    views: Annotated[
        int | None,
        typer.Option(help="Fixed augmented views of each image, itself among them. [default: another in each epoch]"),
    ] = None,
    flips: Annotated[
        bool | None,
        typer.Option("--flips/--no-flips", help="Whether views may be mirrored. [default: as in the search]"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The training's folder. [default: DIR/training]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training that is there.")] = False,
    tensorboard: Annotated[
        bool | None,
        typer.Option("--tensorboard/--no-tensorboard", help="Write events. [default: if it is installed]"),
    ] = None,
    json: Json = False,
) -> None:
    """Trains an exported candidate in full, and puts the best weights into its folder.

    The epoch is chosen on validation images. Under torchrun, several processes share each batch:
    torchrun --nproc-per-node 4 -m splitsearch train deployed/config.yaml

    Example: splitsearch train deployed/config.yaml --trainer bottlefit
    """
    flags = ("trainer", "epochs", "batch_size", "accumulate", "ema", "amp", "seed", "sync_bn")
    named = locals()
    given = {
        name: named[name]
        for name in (*flags, "dataset", "data_dir", "subset", "views", "flips")
        if named[name] is not None
    }
    _train(config, given, device, {"out": output, "resume": resume, "tensorboard": tensorboard}, json=json)


COMMANDS: dict[str, Callable[..., None]] = {"train": train}


def _train(config: Path, given: dict[str, Any], device: str | None, how: dict[str, Any], *, json: bool) -> None:
    from splitsearch.searcher.cli.progress import make_reporter
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.cli.trained import print_training
    from splitsearch.searcher.fulltrain.job import Job, default_out
    from splitsearch.searcher.fulltrain.job import train as trained
    from splitsearch.searcher.fulltrain.record import RECORD
    from splitsearch.searcher.reporter import SilentReporter
    from splitsearch.searcher.training.processes import ElsewhereError, joined

    out = how["out"] or default_out(config)
    try:
        with results_only(), joined(device) as processes:
            command = _command(config, how["out"], processes.count)
            job = Job(
                config=config, given=given, command=shlex.join(["splitsearch", *sys.argv[1:]]), resuming=command, **how
            )
            if not processes.is_first:
                trained(job, processes, SilentReporter())
                return
            with make_reporter(out, RECORD) as reporter:
                document = trained(job, processes, reporter)
    except ElsewhereError:
        raise typer.Exit(2) from None
    print_training(document, json=json)


def _command(config: Path, out: Path | None, processes: int) -> str:
    """What goes on with a training that ended before its time."""
    own = ["splitsearch", "train", str(config), "--resume", *(["-o", str(out)] if out else [])]
    if processes > 1:
        own = ["torchrun", "--nproc-per-node", os.environ.get("LOCAL_WORLD_SIZE", str(processes)), "-m", *own]
    return shlex.join(own)
