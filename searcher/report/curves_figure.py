"""Learning curves: how accuracy, or the loss where no accuracy was taken on the way, developed in each training."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.report.figure import Figure, is_log, plain_axis, plot
from splitsearch.searcher.report.palette import LIGHT
from splitsearch.searcher.report.record import Record

__all__ = ["curves_figure"]


def curves_figure(record: Record) -> Figure | None:
    """One line per training, the front in front; None where no training left a curve of two points."""
    trials = [trial for trial in record.trials if trial.repeat_of is None and trial.curve]
    what = "accuracy" if any("accuracy" in point for trial in trials for point in trial.curve) else "loss"
    along = "samples" if any("samples" in point for trial in trials for point in trial.curve) else "epoch"
    kept = [trial for trial in trials if any(what in p and along in p for p in trial.curve)]
    if not kept:
        return None
    front = record.front_trials
    groups = [
        ("other", "off the front", [t for t in kept if t.trial not in front and t.state == "complete"]),
        ("queue", "stopped or failed", [t for t in kept if t.state != "complete"]),
        ("front", "front", [t for t in kept if t.trial in front]),
    ]
    values = [point[what] for trial in kept for point in trial.curve if what in point]
    upright = plain_axis(what if what == "accuracy" else "training loss")
    if what == "accuracy":
        upright |= {"tickformat": ".0%"}
    elif is_log(values):
        upright |= {"type": "log"}
    across = plain_axis("images seen" if along == "samples" else along)
    layout = {"xaxis": across | {"rangemode": "tozero"}, "yaxis": upright, "height": 340, "showlegend": True}
    traces = [_lines(trials, name, role, along, what) for role, name, trials in groups if trials]
    on = "on validation images while training" if what == "accuracy" else "of the training, not of validation"
    return Figure(
        name="learning_curves",
        title="Learning curves",
        caption=f"{what.capitalize()} {on}; one line per candidate.",
        plot=plot(traces, layout),
        table=pd.DataFrame([{"trial": t.trial, "state": t.state, **point} for t in kept for point in t.curve]),
        height=340,
    )


def _lines(trials: Sequence[TrialResult], name: str, role: str, along: str, what: str) -> go.Scatter:
    """All lines of a group in one trace with gaps: hundreds of traces would make the page slow."""
    x: list[Any] = []
    y: list[Any] = []
    text: list[str] = []
    for trial in trials:
        points = [point for point in trial.curve if what in point and along in point]
        x += [point[along] for point in points] + [None]
        y += [point[what] for point in points] + [None]
        text += [f"trial {trial.trial}"] * (len(points) + 1)
    return go.Scatter(
        x=x,
        y=y,
        text=text,
        name=name,
        mode="lines+markers",
        line={"color": LIGHT[role], "width": 1.5},
        marker={"size": 4, "color": LIGHT[role]},
        hovertemplate="%{text}: %{y:.4g}<extra></extra>",
    )
