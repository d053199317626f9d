"""`splitsearch front`, `report` and `dashboard`: what a run found."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

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
    from splitsearch.searcher.report.record import read_front
    from splitsearch.spaces.errors import UserError

    if csv and json:
        raise UserError("--json and --csv exclude each other")
    document = read_front(run)
    if measured is not None:
        from splitsearch.searcher.measured_front import fold_samples

        document = fold_samples(run, measured)
    if csv:
        front_frame(document).to_csv(sys.stdout, index=False)
    else:
        print_document(document, run, json=json)


def report(
    run: RunFolder,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file. [default: RUN/report.html]")] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="Also write each figure into this folder: CSV, and SVG and PNG where kaleido and Chromium are."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Writes the report of a run: one HTML file with its figures, what-if panel and provenance, for any browser.

    Example: splitsearch report runs/resnet152-digits-20261121-093000 --figures figures
    """
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.cli.tables import print_json
    from splitsearch.searcher.report.figures import figures_of
    from splitsearch.searcher.report.html import write_report
    from splitsearch.searcher.report.images import write_figures
    from splitsearch.searcher.report.record import read_record

    with results_only():
        record = read_record(run)
        drawn = figures_of(record)
        place = output if output is not None else run / "report.html"
        write_report(record, place, drawn)
        written, lacking = write_figures(drawn, figures) if figures is not None else ([], "")
    if json:
        print_json({"report": str(place), "figures": [str(path) for path in written], "without_pictures": lacking})
        return
    typer.echo(f"{place} ({place.stat().st_size / 1e6:.1f} MB)")
    if written:
        typer.echo(f"{figures}: {len(written)} files")
    if lacking:
        typer.echo(f"figures without pictures: {lacking}", err=True)


def dashboard(
    run: RunFolder,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
    adorned: Annotated[
        bool,
        typer.Option("--notes/--no-notes", help="First file notes, figures and files of the front with the study."),
    ] = True,
    storage: Annotated[
        str | None, typer.Option(envvar="SPLITSEARCH_STORAGE", help="Of the run's study, where a password is needed.")
    ] = None,
) -> None:
    """Opens Optuna Dashboard on the study of a run, with a note for each candidate of the front, and our figures.

    Example: splitsearch dashboard runs/resnet152-digits-20261121-093000 --port 8080
    """
    from splitsearch.searcher.engine.dashboard import adorn, serve

    if adorned and (run / "front.json").is_file():
        from splitsearch.searcher.report.board import adornment_of
        from splitsearch.searcher.report.record import read_record

        typer.echo("filing notes, figures and files of the front with the study …", err=True)
        adorn(run, adornment_of(read_record(run)), storage)
    serve(run, host, port, lambda url: typer.echo(f"Optuna Dashboard: {url} (Ctrl-C ends it)", err=True), storage)


COMMANDS: dict[str, Callable[..., None]] = {"front": front, "report": report, "dashboard": dashboard}
