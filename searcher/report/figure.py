"""Figure: one picture with its words and its numbers, so that page, dashboard and files show the same thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.report.palette import LIGHT

__all__ = ["FONT", "Figure", "base_layout", "display", "is_log", "plain_axis", "plot", "title_of", "value_axis"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_LOG_FROM = 8  # times the smallest value that the largest is, from which on equal steps would crush the small ones
_TITLES = {
    "accuracy": "accuracy",
    "latency_ms": "latency",
    "latency_p95_ms": "latency, 95th percentile",
    "payload_bytes": "payload",
    "energy_mj": "device energy",
    "device_macs": "multiply-adds on the device",
    "total_macs": "multiply-adds in all",
    "device_parameter_bytes": "parameters on the device",
    "device_memory_bytes": "memory on the device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture.

    Attributes:
        name: of its files and of its place on the page.
        title: what it shows, as a heading.
        caption: how to read it, and what is measured in it.
        plot: a Plotly figure as JSON data, on a light page.
        table: its numbers.
        height: in pixels.
    """

    name: str
    title: str
    caption: str
    plot: dict[str, Any]
    table: pd.DataFrame
    height: int


def plot(traces: Sequence[Any], layout: dict[str, Any]) -> dict[str, Any]:
    """A Plotly figure as plain JSON data; names and values that Plotly does not know are refused."""
    figure = go.Figure(data=list(traces), layout=base_layout() | {"template": go.layout.Template()} | layout)
    data: dict[str, Any] = figure.to_plotly_json()
    data["layout"].pop("template", None)
    return data


def base_layout() -> dict[str, Any]:
    """What all figures share."""
    return {
        "font": {"family": FONT, "size": 13, "color": LIGHT["ink"]},
        "paper_bgcolor": LIGHT["page"],
        "plot_bgcolor": LIGHT["page"],
        "margin": {"l": 64, "r": 16, "t": 12, "b": 52},
        "hovermode": "closest",
        "hoverlabel": {
            "align": "left",
            "bgcolor": LIGHT["panel"],
            "bordercolor": LIGHT["axis"],
            "font": {"family": FONT, "size": 13, "color": LIGHT["ink"]},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": LIGHT["ink"]}},
    }


def value_axis(objective: Objective, values: Sequence[float], source: str) -> dict[str, Any]:
    """An axis of one objective, on a log scale where its values spread widely; times say how they are known."""
    unit = {"1": "", "B": "bytes", "MAC": ""}.get(objective.unit, objective.unit)
    how = source if objective.name.endswith(("_ms", "_mj")) else ""
    words = ", ".join(word for word in (unit, how) if word)
    axis = plain_axis(f"{title_of(objective.name)} ({words})" if words else title_of(objective.name))
    if is_log(values):
        axis |= {"type": "log", "dtick": "D2" if max(values) / min(values) < 100 else 1}
    elif objective.name == "accuracy":
        axis |= {"tickformat": ".0%" if max(values, default=1) - min(values, default=0) > 0.1 else ".1%"}
    return axis


def plain_axis(title: str) -> dict[str, Any]:
    """An axis with quiet lines."""
    return {
        "title": {"text": title, "font": {"color": LIGHT["muted"]}, "standoff": 8},
        "tickfont": {"color": LIGHT["muted"]},
        "gridcolor": LIGHT["grid"],
        "linecolor": LIGHT["axis"],
        "zeroline": False,
        "automargin": True,
    }


def is_log(values: Sequence[float]) -> bool:
    """Whether positive values spread so widely that a log scale shows them better."""
    return bool(values) and min(values) > 0 and max(values) / min(values) >= _LOG_FROM


def title_of(name: str) -> str:
    """An objective in words."""
    return _TITLES.get(name, name.replace("_", " "))


def display(name: str, value: float) -> str:
    """A value with its unit, as people read it."""
    if name == "accuracy":
        return f"{100 * value:.1f} %"
    if name == "payload_bytes" or name.endswith("_bytes"):
        return f"{value:,.0f} B"
    if name.endswith("_ms"):
        return f"{value:,.1f} ms"
    if name.endswith("_mj"):
        return f"{value:,.1f} mJ"
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.4g}"
