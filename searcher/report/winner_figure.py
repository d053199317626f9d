"""The winner map: which way is the fastest at which uplink and server load, doing without a split included."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from splitsearch.profilers.target import Target
from splitsearch.searcher.report.figure import Figure, plain_axis, plot
from splitsearch.searcher.report.palette import CANDIDATES, LIGHT, baseline_role
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import LOADS, RATES_MBPS, Option, Scenario, latency_ms

__all__ = ["ALLOWED_DROP", "eligible", "winner_colours", "winner_figure"]

ALLOWED_DROP = 0.02
"""Points of accuracy below the teacher that the map allows at first, as the verdict does."""

_ROUNDING = 1e-9
_EDGES = (-0.5, 2.5)  # decades of Mbit/s beyond which a name in the middle of its region would be cut off
_SMALLEST = 0.012  # share of the map from which on a region has room for its name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    rate: float
    load: float
    winner: Option
    milliseconds: float


def eligible(found: Sequence[Option], teacher_accuracy: float, drop: float) -> list[Option]:
    """The ways that keep the accuracy; where none does, the most accurate ones."""
    kept = [option for option in found if option.accuracy >= teacher_accuracy - drop - _ROUNDING]
    if kept:
        return kept
    best = max((option.accuracy for option in found), default=0.0)
    return [option for option in found if option.accuracy >= best]


def winner_colours(names: Sequence[str]) -> dict[str, str]:
    """Colours of the ways that win somewhere: candidates blue, baselines in the colour of their kind."""
    blues = iter(CANDIDATES * (1 + len(names) // len(CANDIDATES)))
    return {name: next(blues) if name.startswith("trial ") else LIGHT[baseline_role(name)] for name in names}


def winner_figure(record: Record, found: Sequence[Option], target: Target) -> Figure:
    """The map of a run, at its own machines and round trip."""
    ways = eligible(found, record.document["teacher"]["accuracy"], ALLOWED_DROP)
    cells = _cells(ways, target)
    names = [o.name for o in ways if any(cell.winner is o for cell in cells)]
    names.sort(key=lambda name: (not name.startswith("trial "), -sum(c.winner.name == name for c in cells)))
    colours = winner_colours(names)
    layout = {
        "xaxis": plain_axis("uplink (Mbit/s)")
        | {"type": "log", "showgrid": False, "ticks": "outside", "range": [-1.04, 3.04]},
        "yaxis": plain_axis("server load")
        | {"tickformat": ".0%", "showgrid": False, "ticks": "outside", "range": [-0.0125, 0.9625]},
        "height": 420,
        "annotations": _labels(cells, names, found),
        "showlegend": True,
    }
    return Figure(
        name="winner_map",
        title="Which way wins where",
        caption=_caption(record, ways),
        plot=plot([_heat(cells, names, colours), *_legend(names, colours, found), _here(target)], layout),
        table=pd.DataFrame(
            [
                {"uplink_mbps": c.rate, "server_load": c.load, "winner": c.winner.name,
                 "latency_ms": round(c.milliseconds, 4)}
                for c in cells
            ]
        ),
        height=420,
    )  # fmt: skip


def _cells(ways: Sequence[Option], target: Target) -> list[_Cell]:
    cells = []
    for load in LOADS:
        for rate in RATES_MBPS:
            scenario = Scenario(uplink_mbps=rate, server_load=load)
            costs = [latency_ms(option, target, scenario) for option in ways]
            best = int(np.argmin(costs))
            cells.append(_Cell(rate=rate, load=load, winner=ways[best], milliseconds=costs[best]))
    return cells


def _heat(cells: Sequence[_Cell], names: Sequence[str], colours: dict[str, str]) -> go.Heatmap:
    width = len(RATES_MBPS)
    rows = [cells[k : k + width] for k in range(0, len(cells), width)]
    scale = [[edge, colours[name]] for k, name in enumerate(names) for edge in (k / len(names), (k + 1) / len(names))]
    return go.Heatmap(
        x=list(RATES_MBPS),
        y=list(LOADS),
        z=[[names.index(cell.winner.name) for cell in row] for row in rows],
        zmin=-0.5,
        zmax=len(names) - 0.5,
        colorscale=scale,
        showscale=False,
        showlegend=False,
        # The legend says what each name is: two thousand labels would weigh more than all other figures together.
        text=[[f"{cell.winner.name}<br>{cell.milliseconds:.1f} ms" for cell in row] for row in rows],
        hovertemplate="%{x:.3g} Mbit/s, load %{y:.0%}<br><b>%{text}</b><extra></extra>",
    )


def _legend(names: Sequence[str], colours: dict[str, str], found: Sequence[Option]) -> list[go.Scatter]:
    """Squares in the legend: a map of colours has none of its own."""
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 11, "color": colours[name]},
            name=_short(name, found),
            hoverinfo="skip",
        )
        for name in names
    ]


def _short(name: str, found: Sequence[Option]) -> str:
    option = next(option for option in found if option.name == name)
    return f"{name}: {option.label}" if option.trial is not None else option.label


def _labels(cells: Sequence[_Cell], names: Sequence[str], found: Sequence[Option]) -> list[dict[str, Any]]:
    """Names in the regions that have room for them."""
    labels: list[dict[str, Any]] = []
    for name in names:
        own = [cell for cell in cells if cell.winner.name == name]
        if len(own) < _SMALLEST * len(cells):
            continue
        option = next(option for option in found if option.name == name)
        labels.append(
            {
                "x": (x := float(np.mean(np.log10([cell.rate for cell in own])))),
                "y": float(np.mean([cell.load for cell in own])),
                "xanchor": "right" if x > _EDGES[1] else "left" if x < _EDGES[0] else "center",
                "text": name if option.trial is not None else option.label,
                "showarrow": False,
                "font": {"color": "white", "size": 12},
                "bgcolor": "rgba(15, 19, 24, 0.72)",
                "borderpad": 3,
            }
        )
    return labels


def _here(target: Target) -> go.Scatter:
    return go.Scatter(
        x=[target.network.uplink_mbps],
        y=[target.server_load],
        mode="markers",
        marker={"symbol": "circle-open-dot", "size": 14, "color": "white", "line": {"width": 2}},
        name="this run",
        showlegend=False,
        hovertemplate="this run: %{x:.3g} Mbit/s, load %{y:.0%}<extra></extra>",
        cliponaxis=False,
    )


def _caption(record: Record, ways: Sequence[Option]) -> str:
    level = record.document["teacher"]["accuracy"]
    kept = all(option.accuracy >= level - ALLOWED_DROP - _ROUNDING for option in ways)
    among = (
        f"Among {len(ways)} trained candidates and baselines within {100 * ALLOWED_DROP:.0f} points of the teacher, "
        "the one with the least expected latency."
        if kept
        else "No way keeps within 2 points of the teacher: the most accurate ones are compared."
    )
    return (
        f"{among} Latencies are computed from stored stage costs, so they are {_at_least_predicted(record.source)}; "
        "the ring marks this run. Every request of the queue is taken to be of the same kind."
    )


def _at_least_predicted(source: str) -> str:
    """What was measured on one network is a prediction on another."""
    return "predicted" if source == "measured" else source
