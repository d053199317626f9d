"""`splitsearch simulate`: a search on a table of measured results."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import Json

__all__ = ["COMMANDS"]


def simulate(
    table: Annotated[Path, typer.Argument(metavar="TABLE.csv", help="One row per evaluated candidate.")],
    parameters: Annotated[str, typer.Option(help="Columns that a search chooses, with commas.")],
    unknown: Annotated[str, typer.Option(help="Objectives that an evaluation finds out.")],
    known: Annotated[str, typer.Option(help="Objectives that are known before.")] = "",
    sampler: Annotated[str, typer.Option(help="known-cost, tpe, nsga2, gp, random or grid.")] = "known-cost",
    trials: Annotated[int, typer.Option(help="Evaluations of each seed.", min=1)] = 100,
    seeds: Annotated[int, typer.Option(help="Repetitions, with the seeds 0 … N-1.", min=1)] = 3,
    maximize: Annotated[str, typer.Option(help="Known objectives of which more is better.")] = "",
    minimize: Annotated[str, typer.Option(help="Unknown objectives of which less is better.")] = "",
    log: Annotated[str, typer.Option(help="Objectives that are taken on a log scale.")] = "",
    nominal: Annotated[
        str, typer.Option(help="Parameters of numbers that stand for names: neighbours need not be alike.")
    ] = "",
    curve: Annotated[
        str, typer.Option(help="Columns with the unknown objective at rungs before the last: stop what is dominated.")
    ] = "",
    curve_shares: Annotated[
        str, typer.Option(help="Share of an evaluation that each rung takes. [default: each rung a third of the next]")
    ] = "",
    depth: Annotated[str | None, typer.Option(help="The parameter that says how deep the cut lies.")] = None,
    json: Json = False,
) -> None:
    """Replays a search on a table: how good would its front be after n evaluations?

    Objectives are scaled to [0, 1] over the table, the reference point of the hypervolume is 1.1 in each, and ratios
    are to the front of the whole table. Unknown objectives are maximised and known ones minimised unless --minimize
    and --maximize say otherwise.

    Example: splitsearch simulate table.csv --parameters cut,channels --known latency_ms --unknown accuracy
    """
    from splitsearch.searcher.cli.tables import print_json
    from splitsearch.searcher.engine.simulation.replay import replay
    from splitsearch.searcher.engine.simulation.rungs import Rungs
    from splitsearch.searcher.engine.simulation.summary import summarise
    from splitsearch.searcher.engine.simulation.table import Columns, read_table

    columns = Columns(
        parameters=_names(parameters),
        known=_names(known),
        unknown=_names(unknown),
        maximize=_names(maximize),
        minimize=_names(minimize),
        log=_names(log),
        curve=_names(curve),
        nominal=_names(nominal),
    )
    read = read_table(table, columns)
    rungs = Rungs(read, _shares(curve_shares, len(columns.curve)), depth) if columns.curve else None
    with _progress() as hears:
        runs = replay(read, sampler, trials, seeds, rungs, hears)
    document = summarise(read, sampler, runs, stopping=rungs is not None)
    if json:
        print_json(document)
    else:
        _print_document(document, table)


COMMANDS: dict[str, Callable[..., None]] = {"simulate": simulate}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _shares(text: str, rungs: int) -> list[float]:
    from splitsearch.spaces.errors import UserError

    if not text:
        return [3.0 ** (rung - rungs) for rung in range(rungs)]
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--curve-shares needs numbers with commas, such as 0.11,0.33, not '{text}'") from error


def _progress() -> Any:
    """A bar on stderr that counts evaluations, in a terminal alone."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    @contextmanager
    def shown() -> Any:
        console = Console(stderr=True)
        columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("evaluations", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    return shown()


def _print_document(document: dict[str, Any], table: Path) -> None:
    from splitsearch.searcher.cli.tables import print_table

    shares = document.get("trained_share", {})
    columns = ["evaluations", "of the rows", "hypervolume ratio", "least", "most"]
    rows: list[list[object]] = []
    for mark, ratio in document["hypervolume_ratio"].items():
        figures = [f"{ratio[name]:.3f}" for name in ("mean", "min", "max")]
        rows.append([int(mark), f"{int(mark) / document['rows']:.2%}", *figures])
        if shares:
            rows[-1].append(f"{shares[mark]['mean']:.0%}")
    if shares:
        columns.append("training spent")
    goals = ", ".join(
        f"{goal['name']} ({'known' if goal['known'] else 'unknown'}, {goal['direction'][:3]}{', log' * goal['log']})"
        for goal in document["objectives"]
    )
    print_table(f"{document['sampler']} on {table.name}: {document['rows']:,} rows, {goals}", columns, rows)
    typer.echo(
        f"Mean, least and most of {document['seeds']} seeds; "
        f"{document['seconds_per_suggestion']:.3f} s for a suggestion on average."
    )
    for goal, counts in document["evaluations_to"].items():
        found = ", ".join("not reached" if count is None else str(count) for count in counts)
        typer.echo(f"Evaluations to {goal} % of the whole table's hypervolume, by seed: {found}")
    if shares:
        typer.echo(f"{document['stopped']['mean']:.1f} evaluations were stopped before their end on average.")
