"""How the search went: the hypervolume of the front after each trained candidate, over trials and over seconds."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.pareto import hypervolume, non_dominated
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.report.figure import Figure, plain_axis, plot
from splitsearch.searcher.report.palette import LIGHT
from splitsearch.searcher.report.record import Record

__all__ = ["hypervolumes", "progress_figure"]


def progress_figure(record: Record) -> Figure | None:
    """Two panels, over trials and over seconds; None where nothing was trained or no reference point is kept."""
    if not record.trained or not _has_reference(record):
        return None
    table = _table(record)
    on_seconds = {"xaxis": "x2", "yaxis": "y2"}
    traces = [_steps(table, "trained"), _steps(table, "seconds", **on_seconds)]
    scale = plain_axis("share of the reference box") | {"rangemode": "tozero"}
    layout: dict[str, Any] = {
        "grid": {"rows": 1, "columns": 2, "pattern": "independent", "xgap": 0.12},
        "xaxis": plain_axis("trained candidates") | {"domain": [0, 0.46], "rangemode": "tozero"},
        "xaxis2": plain_axis("seconds of trials") | {"domain": [0.54, 1], "rangemode": "tozero"},
        "yaxis": scale,
        "yaxis2": plain_axis("") | {"rangemode": "tozero", "anchor": "x2", "matches": "y"},
        "showlegend": False,
        "height": 300,
    }
    return Figure(
        name="hypervolume",
        title="How the search went",
        caption=(
            "Hypervolume of the front: the share of the box between nothing and the reference point that it dominates. "
            "Seconds are those of the trials, added up; a curve that has become flat has little left to find."
        ),
        plot=plot(traces, layout),
        table=table,
        height=300,
    )


def hypervolumes(
    trials: list[TrialResult], objectives: tuple[Objective, ...], reference: dict[str, float]
) -> list[float]:
    """After each trial, in [0, 1] as in front.json; only what can change the front is computed anew."""
    corner = [-reference[o.name] if o.direction == "maximize" else 1.0 for o in objectives]
    front: list[list[float]] = []
    reached: list[float] = []
    for trial in trials:
        point = [
            -trial.values[o.name] if o.direction == "maximize" else trial.values[o.name] / reference[o.name]
            for o in objectives
        ]
        if any(all(a <= b for a, b in zip(other, point, strict=True)) for other in front):
            reached.append(reached[-1])
            continue
        points = np.array([*front, point])
        front = points[non_dominated(points)].tolist()
        reached.append(hypervolume(np.array(front), corner))
    return reached


def _has_reference(record: Record) -> bool:
    reference = record.document.get("reference_point") or {}
    return all(o.name in reference for o in record.objectives)


def _table(record: Record) -> pd.DataFrame:
    """Seconds count every trial, pruned and failed ones too; the rows are the trained ones."""
    elapsed, seconds = 0.0, {}
    for trial in record.trials:
        elapsed += trial.seconds
        seconds[trial.trial] = elapsed
    trained = record.trained
    volumes = hypervolumes(trained, record.objectives, record.document["reference_point"])
    return pd.DataFrame(
        {
            "trial": [trial.trial for trial in trained],
            "trained": range(1, len(trained) + 1),
            "seconds": [seconds[trial.trial] for trial in trained],
            "hypervolume": volumes,
        }
    )


def _steps(table: pd.DataFrame, along: str, **place: str) -> go.Scatter:
    return go.Scatter(
        x=[0, *table[along].tolist()],
        y=[0, *table["hypervolume"].tolist()],
        mode="lines",
        line={"color": LIGHT["front"], "width": 2, "shape": "hv"},
        fill="tozeroy",
        fillcolor="rgba(110, 160, 215, 0.18)",
        text=["start", *(f"trial {number}" for number in table["trial"])],
        hovertemplate="%{text}: %{y:.4f}<extra></extra>",
        **place,
    )
