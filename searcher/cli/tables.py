"""Tables for people, JSON for programs."""

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["baselines_table", "front_table", "plain_table", "print_document", "print_json", "print_table"]


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
    """The front, or the first of it, each candidate with the baselines that dominate it.

    Below stand the baselines that no other baseline dominates; `baselines_table` has them all.
    """
    names = [objective["name"] for objective in document["objectives"]]
    extra = [name for name in names if name not in ("accuracy", "latency_ms", "payload_bytes")]
    source = document["front"][0]["latency"]["source"] if document["front"] else "estimated"
    where = f"{document['device']} over {document['network']}"
    table = Table(title=f"Front of {document['backbone']} on {where}{_proxy(document)}")
    for name in (*_PLACE, "and"):
        table.add_column(name)
    queued = any(entry["latency"].get("queue_ms") for entry in document["front"])
    terms = f"= head + transfer {'+ queue ' if queued else ''}+ tail"
    heads = ["accuracy", f"latency ms ({source})", terms, "payload bytes", *extra]
    for name in heads:
        table.add_column(name, justify="right")
    table.add_column("dominated by")
    entries = document["front"] if limit is None else document["front"][:limit]
    for entry in entries:
        config = entry["config"]
        place = (entry["trial"], *(config[name] for name in _PLACE[1:]))
        more = " ".join(f"{name}={value}" for name, value in config.items() if name not in _KNOWN)
        table.add_row(*map(str, place), more, *_numbers(entry, extra), _masters(entry))
    if len(entries) < len(document["front"]):
        table.add_row("…", f"{len(document['front']) - len(entries)} more")
    table.add_section()
    for baseline in document["baselines"]:
        if not _rivals(baseline, document):
            table.add_row("", baseline["name"], "", "", "", "", *_numbers(baseline, extra), "", style="dim")
    return table


def _masters(entry: dict[str, Any]) -> str:
    """Which baselines are as good in every objective and better in one: `none` is what one searches for."""
    first, *others = entry.get("dominated_by_baselines") or ("none",)
    return f"{first} and {len(others)} more" if others else str(first)


def _rivals(baseline: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """The baselines that dominate this one."""

    def costs(one: dict[str, Any]) -> list[float]:
        signs = ((o["name"], -1 if o["direction"] == "maximize" else 1) for o in document["objectives"])
        return [sign * one["values"][name] for name, sign in signs]

    own = costs(baseline)
    others = [(other["name"], costs(other)) for other in document["baselines"]]
    return [name for name, theirs in others if theirs != own and all(x <= y for x, y in zip(theirs, own, strict=True))]


def baselines_table(document: dict[str, Any]) -> Table:
    """The curves of the image files: what each quality costs in accuracy, bytes and time."""
    columns = ("baseline", "accuracy", "payload bytes", "encode ms on the device", "encode ms here", "latency ms",
               "latency is", "dominated by")  # fmt: skip
    rows = [
        [baseline["name"], baseline["values"]["accuracy"], round(baseline["values"]["payload_bytes"]),
         codec.get("encode_ms", ""), codec.get("encode_ms_here", ""), baseline["values"]["latency_ms"],
         baseline["latency"]["source"], ", ".join(_rivals(baseline, document)[:2]) or "none"]
        for baseline in document["baselines"]
        for codec in [baseline.get("codec") or {}]
    ]  # fmt: skip
    images = document["teacher"].get("images")
    on = f"the {images} validation images" if images else "the validation images"
    return plain_table(f"Without a split: accuracy and bytes measured on {on}{_proxy(document)}", columns, rows)


def _proxy(document: dict[str, Any]) -> str:
    """What a title adds where accuracies are not those of the images that are sent."""
    size = document.get("proxy_image_size")
    return f" (accuracies of {size} px images, a proxy for {document['image_size']} px)" if size else ""


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
    from splitsearch.searcher.engine.front import against_baselines

    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file has no width; narrow columns would fold every name
    console.print(front_table(document))
    console.print(baselines_table(document))
    for phrase in dict.fromkeys(b["codec"]["encode_source"] for b in document["baselines"] if b.get("codec")):
        console.print(f"Encode times: {phrase}", markup=False, highlight=False, soft_wrap=True)
    trials = document["trials"]
    console.print(
        f"{trials['complete']} candidates trained, {trials['pruned']} infeasible, {trials['failed']} failed "
        f"in {trials['seconds']:.0f} s; teacher accuracy {document['teacher']['accuracy']:.3f}",
        highlight=False,
    )
    console.print(against_baselines(document), highlight=False)
    console.print(document["verdict"], markup=False, highlight=False)
    console.print(f"Run folder: {run}", markup=False, highlight=False, soft_wrap=True)
