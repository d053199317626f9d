"""`splitsearch front` and `splitsearch dashboard`: what a run found."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import Json

__all__ = ["COMMANDS"]

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


def front(
    run: RunFolder,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="One row per candidate on stdout.")] = False,
    measured: Annotated[
        Path | None, typer.Option(help="samples.jsonl that the agent made of the run's jobs: it goes into the front.")
    ] = None,
) -> None:
    """Prints the front of a run, with the baselines beside it.

    Example: splitsearch front runs/resnet152-digits-20261121-093000
    """
    from splitsearch.searcher.cli.tables import print_document
    from splitsearch.searcher.engine.front import front_frame
    from splitsearch.spaces.errors import UserError

    if csv and json:
        raise UserError("--json and --csv exclude each other")
    document = _read_front(run)
    if measured is not None:
        from splitsearch.searcher.measured_front import fold_samples

        document = fold_samples(run, measured)
    if csv:
        front_frame(document).to_csv(sys.stdout, index=False)
    else:
        print_document(document, run, json=json)


def dashboard(
    run: RunFolder,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
) -> None:
    """Opens Optuna Dashboard on the study of a run.

    Example: splitsearch dashboard runs/resnet152-digits-20261121-093000 --port 8080
    """
    from splitsearch.searcher.engine.dashboard import serve

    serve(run, host, port, lambda url: typer.echo(f"Optuna Dashboard: {url} (Ctrl-C ends it)", err=True))


COMMANDS: dict[str, Callable[..., None]] = {"front": front, "dashboard": dashboard}


def _read_front(run: Path) -> dict[str, Any]:
    import json as json_format

    from splitsearch.spaces.errors import UserError

    file = run / "front.json"
    if not file.is_file():
        what = "has no front yet" if (run / "run.yaml").is_file() else "is no run folder"
        raise UserError(f"'{run}' {what}: it has no front.json")
    try:
        document: dict[str, Any] = json_format.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"'{file}' is no JSON: {error}") from error
    if document.get("schema") != 1:
        raise UserError(f"'{file}' has schema {document.get('schema')!r}; this release reads 1")
    return document
