"""Tables for people, JSON for programs."""

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["front_table", "plain_table", "print_document", "print_json", "print_table"]


_PLACE = ("trial", "cut", "head", "channels", "bits")
_KNOWN = (*_PLACE, "backbone", "image_size")


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    print(json_format.dumps(data, indent=2))


def plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table whose numbers stand to the right."""
    table = Table(title=title, title_justify="left")
    for k, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[k], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,.4g}" if isinstance(cell, float) else f"{cell}" for cell in row))
    return table


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table on stdout."""
    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file has no width; narrow columns would fold every name
    console.print(plain_table(title, columns, rows))


def front_table(document: dict[str, Any], limit: int | None = None) -> Table:
    """The front, with the baselines below it."""
    names = [objective["name"] for objective in document["objectives"]]
    extra = [name for name in names if name not in ("accuracy", "latency_ms", "payload_bytes")]
    source = document["front"][0]["latency"]["source"] if document["front"] else "estimated"
    table = Table(title=f"Front of {document['backbone']} on {document['device']} over {document['network']}")
    for name in (*_PLACE, "and"):
        table.add_column(name)
    queued = any(entry["latency"].get("queue_ms") for entry in document["front"])
    terms = f"= head + transfer {'+ queue ' if queued else ''}+ tail"
    heads = ["accuracy", f"latency ms ({source})", terms, "payload bytes", *extra]
    for name in heads:
        table.add_column(name, justify="right")
    entries = document["front"] if limit is None else document["front"][:limit]
    for entry in entries:
        config = entry["config"]
        place = (entry["trial"], *(config[name] for name in _PLACE[1:]))
        more = " ".join(f"{name}={value}" for name, value in config.items() if name not in _KNOWN)
        table.add_row(*map(str, place), more, *_numbers(entry, extra))
    if len(entries) < len(document["front"]):
        table.add_row("…", f"{len(document['front']) - len(entries)} more")
    table.add_section()
    for baseline in document["baselines"]:
        table.add_row("", baseline["name"], "", "", "", "", *_numbers(baseline, extra), style="dim")
    return table


def _numbers(entry: dict[str, Any], extra: Sequence[str]) -> list[str]:
    values, latency = entry["values"], entry["latency"]
    names = ("head_ms", "transfer_ms", *(("queue_ms",) if latency.get("queue_ms") else ()), "tail_ms")
    parts = " + ".join(f"{latency[name]:.1f}" for name in names)
    return [
        f"{values['accuracy']:.3f}",
        f"{values['latency_ms']:.1f}",
        parts,
        f"{values['payload_bytes']:,.0f}",
        *(f"{values[name]:,.4g}" for name in extra),
    ]


def print_document(document: dict[str, Any], run: Path, *, json: bool) -> None:
    """A run's result on stdout."""
    if json:
        print_json(document)
        return
    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file has no width; narrow columns would fold every name
    console.print(front_table(document))
    trials = document["trials"]
    console.print(
        f"{trials['complete']} candidates trained, {trials['pruned']} infeasible, {trials['failed']} failed "
        f"in {trials['seconds']:.0f} s; teacher accuracy {document['teacher']['accuracy']:.3f}",
        highlight=False,
    )
    console.print(document["verdict"], markup=False, highlight=False)
    console.print(f"Run folder: {run}", markup=False, highlight=False, soft_wrap=True)
