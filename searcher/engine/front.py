"""The front of a run: front.json, front.csv, and one plain sentence on whether a split pays."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.engine.objectives import OBJECTIVES, Objective
from splitsearch.searcher.engine.pareto import dominates, hypervolume, non_dominated, to_minimise
from splitsearch.searcher.engine.proxy import proxy_note
from splitsearch.searcher.engine.results import Baseline, TrialResult
from splitsearch.spaces.config import SplitConfig

__all__ = [
    "FrontHeader",
    "against_baselines",
    "front_document",
    "front_frame",
    "scaled_hypervolume",
    "verdict",
    "write_front",
]

_DROP = 0.02  # points of accuracy below the teacher that the verdict allows
_ROUNDING = 1e-9  # so that 0.93 is 2 points below 0.95 for every pair of shares, whatever their last bit
_PARTS = ("head_ms", "transfer_ms", "tail_ms", "source")
_MACS = ("device_macs", "server_macs")
_INTERVAL = ("accuracy_low", "accuracy_high")
_MASTERS = "dominated_by_baselines"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontHeader:
    """What a front is a front of.

    Costs are of images of `image_size` pixels; accuracies are of `proxy_image_size` pixels where there is such a one.
    """

    backbone: str
    dataset: str
    device: str
    server: str
    network: str
    objectives: tuple[Objective, ...]
    reference_point: dict[str, float]
    teacher: dict[str, Any]
    baselines: tuple[Baseline, ...]
    image_size: int | None = None
    proxy_image_size: int | None = None


def front_document(header: FrontHeader, results: Sequence[TrialResult]) -> dict[str, Any]:
    """Builds front.json: the candidates that no other dominates, by latency, and the baselines beside them."""
    trained = [result for result in results if result.state == "complete" and result.repeat_of is None]
    members = sorted(_front(header.objectives, trained), key=lambda result: result.values["latency_ms"])
    entries = [_entry(header, result) for result in members]
    judged = verdict(entries, header.baselines, header.teacher["accuracy"])
    return {
        "schema": 1,
        "backbone": header.backbone,
        "dataset": header.dataset,
        "device": header.device,
        "server": header.server,
        "network": header.network,
        "objectives": [asdict(objective) for objective in header.objectives],
        "reference_point": header.reference_point,
        "hypervolume": scaled_hypervolume(header, members),
        "teacher": header.teacher,
        "baselines": [baseline.to_json() for baseline in header.baselines],
        "front": entries,
        "trials": _counts(results),
        "image_size": header.image_size,
        "proxy_image_size": header.proxy_image_size,
        "verdict": " ".join(filter(None, (judged, proxy_note(header.proxy_image_size, header.image_size)))),
    }


def verdict(entries: Sequence[dict[str, Any]], baselines: Sequence[Baseline], teacher_accuracy: float) -> str:
    """One sentence: which candidates within 2 points of the teacher beat every baseline in latency, or that none does.

    A JPEG baseline that itself loses more than 2 points is no rival; the sentence tells when there is one.
    """
    floor = teacher_accuracy - _DROP - _ROUNDING
    rivals = [baseline for baseline in baselines if baseline.values["accuracy"] >= floor]
    good = [entry for entry in entries if entry["values"]["accuracy"] >= floor]
    if not rivals:
        return "No baseline stays within 2 points of the teacher."
    rival = min(rivals, key=lambda baseline: baseline.values["latency_ms"])
    bar = rival.values["latency_ms"]
    if not good:
        fastest = f"the fastest baseline is {rival.name} at {bar:.1f} ms"
        return f"No candidate on the front stays within 2 points of the teacher; {fastest}."
    best = min(good, key=lambda entry: entry["values"]["latency_ms"])
    latency, source = best["values"]["latency_ms"], best["latency"]["source"]
    if latency >= bar:
        return (
            f"No split pays in latency here: {rival.name} at {bar:.1f} ms ({source}) is at least as fast as every "
            f"candidate on the front within 2 points of the teacher "
            f"(the best, trial {best['trial']}, takes {latency:.1f} ms)."
        )
    winners = sum(entry["values"]["latency_ms"] < bar for entry in good)
    every = "every baseline" if len(rivals) == len(baselines) else "every baseline of that accuracy"
    return (
        f"{winners} of {len(entries)} candidates on the front beat {every} in latency at no more than 2 points "
        f"below the teacher; trial {best['trial']} takes {latency:.1f} ms, {rival.name} {bar:.1f} ms: "
        f"{bar / latency:.2f} times as fast ({source})."
    )


def front_frame(document: dict[str, Any]) -> pd.DataFrame:
    """The front as a table, one row per candidate; an empty front keeps the columns."""
    if not document["front"]:
        config = [field.name for field in fields(SplitConfig)]
        parts = ("trial", *config, *OBJECTIVES, *_PARTS, *_MACS, *_INTERVAL, _MASTERS)
        return pd.DataFrame(columns=list(dict.fromkeys(parts)))
    return pd.DataFrame([_row(entry) for entry in document["front"]])


def write_front(folder: Path, document: dict[str, Any]) -> None:
    """Writes front.json and front.csv, each atomically."""
    write_atomic(folder / "front.json", json.dumps(document, indent=1, allow_nan=False) + "\n")
    write_atomic(folder / "front.csv", front_frame(document).to_csv(index=False))


def _front(objectives: Sequence[Objective], trained: Sequence[TrialResult]) -> list[TrialResult]:
    if not trained:
        return []
    points = np.array([to_minimise(result.values, objectives) for result in trained])
    unique = {result.key: result for result, kept in zip(trained, non_dominated(points), strict=True) if kept}
    return list(unique.values())


def scaled_hypervolume(header: FrontHeader, members: Sequence[TrialResult]) -> float:
    """Hypervolume with each cost as a share of its reference, so that it lies in [0, 1]."""
    scaled = [
        [
            -result.values[o.name]
            if o.direction == "maximize"
            else result.values[o.name] / header.reference_point[o.name]
            for o in header.objectives
        ]
        for result in members
    ]
    corner = [-header.reference_point[o.name] if o.direction == "maximize" else 1.0 for o in header.objectives]
    return hypervolume(np.array(scaled).reshape(len(scaled), len(corner)), corner)


def _entry(header: FrontHeader, result: TrialResult) -> dict[str, Any]:
    point = to_minimise(result.values, header.objectives)
    return {
        "trial": result.trial,
        "trained_by": result.trained_by,
        "key": result.key,
        "config": result.config,
        "values": result.values,
        "latency": result.latency,
        "macs": result.macs,
        "parameters": result.parameters,
        "accuracy_interval": list(result.accuracy_interval) if result.accuracy_interval else None,
        _MASTERS: [
            baseline.name
            for baseline in header.baselines
            if dominates(to_minimise(baseline.values, header.objectives), point)
        ],
    }


def _counts(results: Sequence[TrialResult]) -> dict[str, float]:
    own = [result for result in results if result.repeat_of is None]
    counts: dict[str, float] = {
        state: sum(result.state == state for result in own) for state in ("complete", "pruned", "failed")
    }
    return counts | {"repeated": len(results) - len(own), "seconds": round(sum(r.seconds for r in results), 3)}


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    parts = {name: entry["latency"][name] for name in _PARTS}
    macs = {name: entry["macs"][name.removesuffix("_macs")] for name in _MACS}
    interval = dict(zip(_INTERVAL, entry["accuracy_interval"] or (None, None), strict=True))
    row: dict[str, Any] = {"trial": entry["trial"]}
    for part in (entry["config"], entry["values"], parts, macs, interval):
        row |= part
    return row | {_MASTERS: " ".join(entry.get(_MASTERS, ()))}


def against_baselines(document: dict[str, Any]) -> str:
    """How many candidates of a front no baseline dominates."""
    count = len(document["front"])
    free = sum(not entry.get(_MASTERS) for entry in document["front"])
    if count == 0:
        return "There is no candidate on the front."
    if free == 0:
        return "Every candidate on the front is dominated by a baseline."
    if free == count:
        return "No candidate on the front is dominated by a baseline."
    return f"{free} of {count} candidates on the front are dominated by no baseline."
