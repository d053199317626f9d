"""Where each axis matters: its share of importance for each objective."""

import pandas as pd
import plotly.graph_objects as go

from splitsearch.searcher.engine.importance import FEWEST, axis_importances
from splitsearch.searcher.report.figure import Figure, plain_axis, plot, title_of
from splitsearch.searcher.report.palette import LIGHT
from splitsearch.searcher.report.record import Record

__all__ = ["importance_figure"]

_COLOURS = ("front", "round_trip", "tail", "queue", "webp", "encode", "raw", "local", "jpeg")
_MOST = 12


def importance_figure(record: Record) -> Figure | None:
    """Bars by axis and objective; None where too few candidates were trained to tell."""
    objectives = record.objectives
    shares = axis_importances(record.trained, objectives)
    if not shares:
        return None
    names = sorted(shares, key=lambda name: -max(shares[name].values()))
    shown = names[:_MOST]
    traces = [
        go.Bar(
            y=[name.replace("_", " ") for name in shown],
            x=[shares[name][objective.name] for name in shown],
            name=title_of(objective.name),
            orientation="h",
            marker={"color": LIGHT[_COLOURS[k % len(_COLOURS)]]},
            hovertemplate=f"{title_of(objective.name)}: <b>%{{y}}</b> %{{x:.0%}}<extra></extra>",
        )
        for k, objective in enumerate(objectives)
    ]
    height = 130 + (16 * len(objectives) + 12) * len(shown)
    layout = {
        "barmode": "group",
        "bargap": 0.3,
        "xaxis": plain_axis("share of importance") | {"tickformat": ".0%", "rangemode": "tozero"},
        "yaxis": plain_axis("") | {"autorange": "reversed", "showgrid": False, "tickfont": {"color": LIGHT["ink"]}},
        "height": height,
    }
    left_out = f" {len(names) - len(shown)} axes that matter less are in the table alone." if names[_MOST:] else ""
    return Figure(
        name="importance",
        title="Where each axis matters",
        caption=(
            f"PED-ANOVA over {len(record.trained)} trained candidates: how differently the best of them are spread "
            f"along an axis than all of them. It speaks of what was tried (at least {FEWEST} candidates); shares of "
            f"one objective add up to 100 %.{left_out}"
        ),
        plot=plot(traces, layout),
        table=pd.DataFrame([{"axis": name} | shares[name] for name in names]),
        height=height,
    )
