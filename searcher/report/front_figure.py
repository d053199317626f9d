"""The front seen along each pair of objectives, with the baselines and the curves of the image files drawn in."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.pareto import non_dominated
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.report.figure import Figure, display, is_log, plot, title_of, value_axis
from splitsearch.searcher.report.palette import LIGHT, baseline_role
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import baseline_label, candidate_label

__all__ = ["front_figures"]

_CURVES = {"jpeg": "server, JPEG", "webp": "server, WebP"}
_SYMBOLS = {"local": "diamond", "model": "diamond", "raw": "square", "jpeg": "circle", "webp": "circle"}


def front_figures(record: Record) -> list[Figure]:
    """One figure for each pair of objectives; accuracy is the upright axis wherever it is one of them."""
    ordered = sorted(record.objectives, key=lambda objective: objective.name == "accuracy")
    pairs = sorted(combinations(ordered, 2), key=lambda pair: pair[1].name != "accuracy")
    return [_figure(record, x, y, first=k == 0) for k, (x, y) in enumerate(pairs)]


def _figure(record: Record, x: Objective, y: Objective, *, first: bool) -> Figure:
    shown = _values_shown(record, x.name), _values_shown(record, y.name)
    traces = [*_candidates(record, x, y), *_baselines(record, x, y)]
    layout = {
        "xaxis": value_axis(x, shown[0], record.source),
        "yaxis": value_axis(y, shown[1], record.source) | ({"type": "linear"} if y.name == "accuracy" else {}),
        "showlegend": True,
        "height": 470 if first else 360,
        **_teacher_line(record, y),
    }
    return Figure(
        name=f"front_{x.name}_{y.name}",
        title=f"{title_of(y.name).capitalize()} against {title_of(x.name)}",
        caption=_caption(record, x, y),
        plot=plot(traces, layout),
        table=_table(record, x, y, first=first),
        height=layout["height"],
    )


def _values_shown(record: Record, name: str) -> list[float]:
    """What is drawn on an axis; where others are large, a payload of nothing is left out of a log scale."""
    rows = [*(trial.values for trial in record.trained), *(b["values"] for b in record.document["baselines"])]
    values = [row[name] for row in rows if name in row]
    positive = [value for value in values if value > 0]
    return positive if is_log(positive) else values


def _candidates(record: Record, x: Objective, y: Objective) -> list[Any]:
    front = record.front_trials
    members = [trial for trial in record.trained if trial.trial in front]
    others = [trial for trial in record.trained if trial.trial not in front]
    edge = _edge(members, x, y)
    traces: list[Any] = []
    if others:
        traces.append(_points(others, x, y, name="trained, off the front", colour="other", size=7))
    if len(edge) > 1:
        traces.append(_line(edge, x, y))
    traces.append(_points(members, x, y, name="front", colour="front", size=10, interval=True))
    return traces


def _edge(members: Sequence[TrialResult], x: Objective, y: Objective) -> list[TrialResult]:
    """The members that none of the others dominates in this pair alone, from left to right."""
    if not members:
        return []
    signs = [-1.0 if o.direction == "maximize" else 1.0 for o in (x, y)]
    points = np.array([[s * t.values[o.name] for s, o in zip(signs, (x, y), strict=True)] for t in members])
    kept = [trial for trial, keep in zip(members, non_dominated(points), strict=True) if keep]
    return sorted(kept, key=lambda trial: (trial.values[x.name], trial.values[y.name]))


def _line(edge: Sequence[TrialResult], x: Objective, y: Objective) -> go.Scatter:
    """Steps, because what lies between two candidates does not exist: up to the next one, the better holds."""
    return go.Scatter(
        x=[trial.values[x.name] for trial in edge],
        y=[trial.values[y.name] for trial in edge],
        mode="lines",
        line={"color": LIGHT["front_soft"], "width": 2, "shape": "hv" if y.direction == "maximize" else "vh"},
        hoverinfo="skip",
        showlegend=False,
    )


def _points(  # noqa: PLR0913  # what is drawn, where, and how
    trials: Sequence[TrialResult], x: Objective, y: Objective, *, name: str, colour: str, size: int,
    interval: bool = False,
) -> go.Scatter:  # fmt: skip
    errors = {}
    if interval and y.name == "accuracy":
        bounds = [trial.accuracy_interval or (trial.values["accuracy"],) * 2 for trial in trials]
        errors["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [high - trial.values["accuracy"] for trial, (_, high) in zip(trials, bounds, strict=True)],
            "arrayminus": [trial.values["accuracy"] - low for trial, (low, _) in zip(trials, bounds, strict=True)],
            "color": LIGHT["front_soft"],
            "thickness": 1.2,
            "width": 0,
        }
    return go.Scatter(
        x=[trial.values[x.name] for trial in trials],
        y=[trial.values[y.name] for trial in trials],
        mode="markers",
        name=name,
        marker={"color": LIGHT[colour], "size": size, "line": {"color": LIGHT["page"], "width": 1}},
        text=[_hover(trial) for trial in trials],
        hovertemplate="%{text}<extra></extra>",
        **errors,
    )


def _hover(trial: TrialResult) -> str:
    values = " · ".join(display(name, trial.values[name]) for name in ("latency_ms", "payload_bytes"))
    low_high = ""
    if trial.accuracy_interval:
        low, high = trial.accuracy_interval
        low_high = f" (95 %: {100 * low:.1f} … {100 * high:.1f})"
    accuracy = f"{display('accuracy', trial.values['accuracy'])}{low_high}"
    return f"<b>trial {trial.trial}</b><br>{escape(candidate_label(trial.config))}<br>{accuracy}<br>{values}"


def escape(text: str) -> str:
    """Names may hold what Plotly reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _baselines(record: Record, x: Objective, y: Objective) -> list[Any]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for baseline in record.document["baselines"]:
        groups.setdefault(baseline_role(baseline["name"]), []).append(baseline)
    return [
        _curve(role, rows, x, y) if role in _CURVES else _single(role, row, x, y)
        for role, group in groups.items()
        for rows, row in ([(group, group[0])] if role in _CURVES else [([one], one) for one in group])
        if all(o.name in row["values"] for o in (x, y))
    ]


def _curve(role: str, rows: list[dict[str, Any]], x: Objective, y: Objective) -> go.Scatter:
    rows = sorted(rows, key=lambda row: row["values"]["payload_bytes"])
    return go.Scatter(
        x=[row["values"][x.name] for row in rows],
        y=[row["values"][y.name] for row in rows],
        mode="lines+markers",
        name=_CURVES[role],
        line={"color": LIGHT[role], "width": 1.5, "dash": "dot"},
        marker={"color": LIGHT[role], "size": 7, "symbol": "circle-open", "line": {"width": 2}},
        text=[_baseline_hover(row) for row in rows],
        hovertemplate="%{text}<extra></extra>",
    )


def _single(role: str, row: dict[str, Any], x: Objective, y: Objective) -> go.Scatter:
    return go.Scatter(
        x=[row["values"][x.name]],
        y=[row["values"][y.name]],
        mode="markers",
        name=baseline_label(row["name"]),
        marker={"color": LIGHT[role], "size": 11, "symbol": _SYMBOLS[role]},
        text=[_baseline_hover(row)],
        hovertemplate="%{text}<extra></extra>",
    )


def _baseline_hover(row: dict[str, Any]) -> str:
    names = ("accuracy", "latency_ms", "payload_bytes")
    return f"<b>{escape(baseline_label(row['name']))}</b><br>" + " · ".join(
        display(name, row["values"][name]) for name in names
    )


def _teacher_line(record: Record, y: Objective) -> dict[str, Any]:
    """The unsplit network's accuracy: what a split gives up is the distance to it."""
    if y.name != "accuracy":
        return {}
    level = record.document["teacher"]["accuracy"]
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level, "y1": level}
    note = {
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": level,
        "yanchor": "bottom",
        "text": f"teacher {100 * level:.1f} %",
        "showarrow": False,
        "font": {"color": LIGHT["muted"], "size": 12},
    }
    return {
        "shapes": [line | {"line": {"color": LIGHT["axis"], "width": 1, "dash": "dash"}, "layer": "below"}],
        "annotations": [note],
    }


def _caption(record: Record, x: Objective, y: Objective) -> str:
    better = {"maximize": "high", "minimize": "low"}
    directions = f"Better is {better[y.direction]} and {'left' if x.direction == 'minimize' else 'right'}."
    images = record.validation_images
    parts = [directions]
    if "accuracy" in (x.name, y.name):
        on = f"{images:,} validation images" if images else "the validation images"
        parts.append(f"Accuracies are measured on {on}; bars are 95 % intervals.")
    if any(name.endswith(("_ms", "_mj")) for name in (x.name, y.name)):
        parts.append(f"Times and energies are {record.source}.")
    if "payload_bytes" in (x.name, y.name):
        parts.append("Bytes are those that really cross, packed and with their header.")
        if is_log(_values_shown(record, "payload_bytes")):
            parts.append("What sends nothing has no place on this scale.")
    return " ".join(parts)


def _table(record: Record, x: Objective, y: Objective, *, first: bool) -> pd.DataFrame:
    """Values by name; what each name is stands in the first table alone."""
    front = record.front_trials
    trials: list[dict[str, Any]] = [
        {
            "name": f"trial {t.trial}",
            "kind": "front" if t.trial in front else "trained",
        }
        | {o.name: t.values[o.name] for o in (x, y)}
        | _bounds(t)
        for t in record.trained
    ]  # fmt: skip
    baselines = [
        {"name": b["name"], "kind": "baseline"} | {o.name: b["values"].get(o.name) for o in (x, y)}
        for b in record.document["baselines"]
    ]
    table = pd.DataFrame([*trials, *baselines])
    labels = [*(candidate_label(t.config) for t in record.trained), *(baseline_label(r["name"]) for r in baselines)]
    return table.assign(what=labels) if first else table


def _bounds(trial: TrialResult) -> dict[str, Any]:
    low, high = trial.accuracy_interval or (None, None)
    return {} if low is None or high is None else {"accuracy_low": low, "accuracy_high": high}
