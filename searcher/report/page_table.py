"""The front as rows of the page's table: what is shown, and the number by which it is sorted."""

from typing import Any

from splitsearch.searcher.report.figure import display, title_of
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.summary import export_command
from splitsearch.searcher.report.whatif import baseline_label, candidate_label

__all__ = ["columns", "rows"]

_ALWAYS = ("accuracy", "latency_ms", "payload_bytes")


def _extra(record: Record) -> list[str]:
    return [o.name for o in record.objectives if o.name not in _ALWAYS]


def columns(record: Record) -> list[dict[str, str]]:
    """Title, style and present order of each column; rows come by latency."""
    source = record.source
    titles = ["trial", "configuration", "accuracy", f"latency ({source})", "head + transfer + tail", "payload"]
    titles += [title_of(name) for name in _extra(record)] + ["dominated by"]
    styles = {"configuration": "text", "dominated by": "text"}
    return [
        {
            "title": title,
            "style": styles.get(title, ""),
            "sort": "ascending" if title.startswith("latency (") else "none",
        }
        for title in titles
    ]


def rows(record: Record) -> list[dict[str, Any]]:
    """One row per candidate on the front."""
    return [
        {"trial": entry["trial"], "cells": _cells(record, entry), "command": export_command(record, entry["trial"])}
        for entry in sorted(record.document["front"], key=lambda entry: entry["values"]["latency_ms"])
    ]


def _cell(text: str, value: float | str, detail: str = "", style: str = "") -> dict[str, Any]:
    return {"text": text, "value": value, "detail": detail, "style": style}


def _cells(record: Record, entry: dict[str, Any]) -> list[dict[str, Any]]:
    values, latency = entry["values"], entry["latency"]
    low_high = entry.get("accuracy_interval")
    interval = f"{100 * low_high[0]:.1f} … {100 * low_high[1]:.1f}" if low_high else ""
    what = candidate_label(entry["config"])
    between = latency["transfer_ms"] + latency.get("queue_ms", 0.0)
    terms = f"{latency['head_ms']:.1f} + {between:.1f} + {latency['tail_ms']:.1f}"
    masters = [baseline_label(name) for name in entry.get("dominated_by_baselines") or ()]
    more = f"and {len(masters) - 1} more" if masters[1:] else ""
    return [
        _cell(str(entry["trial"]), entry["trial"]),
        _cell(what, what, style="text what"),
        _cell(display("accuracy", values["accuracy"]), values["accuracy"], interval),
        _cell(display("latency_ms", values["latency_ms"]), values["latency_ms"]),
        _cell(terms, latency["head_ms"]),
        _cell(display("payload_bytes", values["payload_bytes"]), values["payload_bytes"]),
        *(_cell(display(name, values[name]), values[name]) for name in _extra(record)),
        _cell(masters[0] if masters else "none", len(masters), more, style="text wrap"),
    ]
