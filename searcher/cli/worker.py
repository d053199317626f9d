"""`splitsearch worker`: one more worker for a study."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from splitsearch.searcher.cli.options import DataDir, Json, TrainingDevice

__all__ = ["COMMANDS"]


def worker(
    storage: Annotated[
        str | None,
        typer.Option(envvar="SPLITSEARCH_STORAGE", help="As the run was given it: postgresql://…, or journal:FILE."),
    ] = None,
    study: Annotated[str, typer.Option(help="As the run was given it.")] = "splitsearch",
    out: Annotated[
        Path | None, typer.Option(help="Folder of this worker alone. [default: runs/worker-<study>-<time>-<process>]")
    ] = None,
    artifacts: Annotated[
        str | None, typer.Option(help="Folder or s3://BUCKET as the run was given it: teacher and checkpoints travel.")
    ] = None,
    gpu: Annotated[int | None, typer.Option(help="Number of the GPU to see; the others are hidden.", min=0)] = None,
    device: TrainingDevice = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where the run's relative paths are seen from. [default: as for the run]")
    ] = None,
    data_dir: DataDir = None,
    cache_dir: Annotated[Path | None, typer.Option(help="Cache of this machine. [default: SPLITSEARCH_CACHE]")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the run to begin the study.", min=0)] = 600.0,
    json: Json = False,
) -> None:
    """Trains candidates of a study that `splitsearch run` began, on this machine or another, until its budget is spent.

    Example: splitsearch worker --storage postgresql://me@host/search --study night --artifacts /shared/artifacts
    """
    from splitsearch.spaces.errors import Interrupted, UserError

    if storage is None:
        raise UserError("--storage is missing; give the URL that the run was given, or set SPLITSEARCH_STORAGE")
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu)  # before anything asks torch for a GPU

    from splitsearch.profilers.timing import timestamp
    from splitsearch.searcher.cli.progress import make_reporter
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.cli.tables import print_json
    from splitsearch.searcher.worker import MARK, Joining, work

    folder = out if out is not None else Path("runs") / f"worker-{study}-{timestamp()}-{os.getpid()}"
    joining = Joining(
        storage=storage,
        study=study,
        folder=folder,
        device=device,
        directory=directory,
        data_dir=Path(data_dir) if data_dir is not None else None,
        cache_dir=cache_dir,
        artifacts=artifacts,
        wait_seconds=wait,
    )
    with results_only(), make_reporter(folder, MARK) as reporter:
        try:
            document = work(joining, reporter)
        except Interrupted as error:
            raise Interrupted("interrupted; its trial goes to the next worker") from error
    if json:
        print_json(document)
    else:
        done = ", ".join(f"{count} {state}" for state, count in document["trials"].items()) or "none"
        typer.echo(f"study {document['study']}: trials of this worker: {done}")


COMMANDS: dict[str, Callable[..., None]] = {"worker": worker}
