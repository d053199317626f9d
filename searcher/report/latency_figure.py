"""Where the time goes: each way's latency as a bar of its terms."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from splitsearch.searcher.engine.pareto import dominates
from splitsearch.searcher.report.figure import Figure, plain_axis, plot
from splitsearch.searcher.report.palette import LIGHT
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import baseline_label, candidate_label

__all__ = ["TERMS", "latency_figure"]

TERMS = {
    "head": "head on the device",
    "encode": "encoding",
    "round_trip": "round trip",
    "uplink": "bytes over the uplink",
    "network_rest": "overhead and losses",
    "queue": "waiting for the server",
    "tail": "tail on the server",
}
"""Terms in the order in which they happen; together they are the whole latency."""

_MOST = 24


def latency_figure(record: Record) -> Figure:
    """The front by latency, and below it the baselines that no other baseline dominates."""
    entries = record.document["front"]
    shown = entries if len(entries) <= _MOST else _thinned(entries)
    rows = [_row(f"trial {e['trial']}", candidate_label(e["config"]), e, "candidate") for e in shown]
    rows += [_row(b["name"], baseline_label(b["name"]), b, "baseline") for b in _worth_showing(record)]
    table = pd.DataFrame(rows)
    used = [term for term in TERMS if table[f"{term}_ms"].sum() > 0] if len(table) else []
    labels = [row["what"] if row["kind"] == "baseline" else f"{row['name']}: {row['what']}" for row in rows]
    traces = [
        go.Bar(
            y=labels,
            x=table[f"{term}_ms"].tolist(),
            name=TERMS[term],
            orientation="h",
            marker={"color": LIGHT[term]},
            hovertemplate=f"<b>%{{y}}</b><br>{TERMS[term]}: %{{x:.2f}} ms<extra></extra>",
        )
        for term in used
    ]
    height = 120 + 26 * len(rows)
    layout: dict[str, Any] = {
        "barmode": "stack",
        "bargap": 0.3,
        "xaxis": plain_axis(f"latency (ms, {record.source})") | {"rangemode": "tozero"},
        "yaxis": plain_axis("") | {"autorange": "reversed", "showgrid": False, "tickfont": {"color": LIGHT["ink"]}},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "height": height,
        "margin": {"l": 16, "r": 16, "t": 12, "b": 52},
    }
    cut = (
        "" if shown is entries else f" {len(shown)} of {len(entries)} candidates of the front are drawn, evenly chosen."
    )
    exits = any(e["values"].get("exit_rate") for e in entries)
    early = " Images that leave at an exit are quicker than the bar, which is the full way." if exits else ""
    return Figure(
        name="latency_terms",
        title="Where the time goes",
        caption=f"Expected milliseconds of one image, {record.source}.{early}{cut}",
        plot=plot(traces, layout),
        table=table,
        height=height,
    )


def _row(name: str, what: str, entry: dict[str, Any], kind: str) -> dict[str, Any]:
    latency = entry["latency"]
    rest = sum(latency.get(f"{part}_ms", 0.0) for part in ("overhead", "silence", "retransmit"))
    encode = latency.get("encode_ms", 0.0)
    return {
        "name": name,
        "what": what,
        "kind": kind,
        "head_ms": latency["head_ms"] - encode,
        "encode_ms": encode,
        "round_trip_ms": latency.get("rtt_ms", 0.0),
        "uplink_ms": latency.get("serialise_ms", latency["transfer_ms"]),
        "network_rest_ms": rest,
        "queue_ms": latency.get("queue_ms", 0.0),
        "tail_ms": latency["tail_ms"],
        "source": latency.get("source", "estimated"),
    }


def _thinned(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Evenly chosen by rank, the fastest and the slowest among them."""
    last = len(entries) - 1
    return [entries[round(k * last / (_MOST - 1))] for k in range(_MOST)]


def _worth_showing(record: Record) -> list[dict[str, Any]]:
    """`local` and `server_raw` always, as points of reference; of the others those that no baseline dominates."""
    baselines = record.document["baselines"]
    points = [(-b["values"]["accuracy"], b["values"]["latency_ms"]) for b in baselines]
    return [
        baseline
        for baseline, point in zip(baselines, points, strict=True)
        if baseline["name"] in ("local", "server_raw") or not any(dominates(other, point) for other in points)
    ]
