"""What Optuna Dashboard shows of a run beside its study: a note and files for each trial of the front, our figures."""

import json
from typing import Any

import yaml

from splitsearch.searcher.engine.dashboard import Adornment
from splitsearch.searcher.report.curve_svg import curve_svg
from splitsearch.searcher.report.figure import display
from splitsearch.searcher.report.figures import figures_of
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.summary import export_command
from splitsearch.searcher.report.whatif import candidate_label

__all__ = ["adornment_of"]


def adornment_of(record: Record) -> Adornment:
    """Notes, figures and files of a run."""
    entries = record.document["front"]
    curves = {trial.trial: trial.curve for trial in record.trials if trial.repeat_of is None}
    return Adornment(
        note=_study_note(record),
        notes={entry["trial"]: _note(record, entry) for entry in entries},
        figures={f"splitsearch-{figure.name}": _with_title(figure.plot, figure.title) for figure in figures_of(record)},
        files={entry["trial"]: _files(entry, curves.get(entry["trial"], [])) for entry in entries},
    )


def _with_title(plot: dict[str, Any], title: str) -> dict[str, Any]:
    """On a page of many figures each needs its name; legends move below, out of its way."""
    layout = plot["layout"]
    margin = layout["margin"] | {"t": 56}
    legend = layout["legend"] | {"y": -0.22, "yanchor": "top"}
    return {"data": plot["data"], "layout": layout | {"title": {"text": title}, "margin": margin, "legend": legend}}


def _study_note(record: Record) -> str:
    document = record.document
    rows = "\n".join(
        f"| {entry['trial']} | {candidate_label(entry['config'])} | "
        + " | ".join(display(o.name, entry["values"][o.name]) for o in record.objectives)
        + " |"
        for entry in document["front"]
    )
    heads = " | ".join(o.name for o in record.objectives)
    return (
        f"# {document['backbone']} on {document['device']} over {document['network']}\n\n"
        f"{document.get('verdict', '')}\n\n"
        f"Latencies are {record.source}; accuracies are measured on the validation images.\n\n"
        f"| trial | configuration | {heads} |\n|{'---|' * (2 + len(record.objectives))}\n{rows}\n\n"
        f"The whole report: `splitsearch report {record.folder}`\n"
    )


def _note(record: Record, entry: dict[str, Any]) -> str:
    values, latency = entry["values"], entry["latency"]
    lines = [f"- {name}: {display(name, value)}" for name, value in values.items()]
    terms = f"{latency['head_ms']:.1f} head + {latency['transfer_ms']:.1f} transfer + {latency['tail_ms']:.1f} tail"
    masters = entry.get("dominated_by_baselines") or []
    rivals = f"dominated by {', '.join(masters)}" if masters else "dominated by no baseline"
    return (
        f"# On the front: {candidate_label(entry['config'])}\n\n"
        + "\n".join(lines)
        + f"\n- latency is {latency.get('source', 'estimated')}: {terms} (ms)\n- {rivals}\n\n"
        + f"Export: `{export_command(record, entry['trial'])}`\n"
    )


def _files(entry: dict[str, Any], curve: list[dict[str, float]]) -> dict[str, str]:
    profile = {name: entry[name] for name in ("values", "latency", "macs", "parameters") if name in entry}
    found = {
        "config.yaml": yaml.safe_dump(entry["config"], sort_keys=False),
        "profile.json": json.dumps(profile, indent=1) + "\n",
    }
    drawn = curve_svg(curve)
    return found | ({"curve.svg": drawn} if drawn else {})
