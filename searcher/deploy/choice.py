"""Which candidate of a run is meant, and where its weights lie: all that this package knows of a run folder's files."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.objectives import OBJECTIVES
from splitsearch.searcher.engine.trial import checkpoint_path
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["PICKS", "checkpoint_of", "choose", "knee", "read_front"]

Entry = dict[str, Any]


def read_front(run: Path) -> dict[str, Any]:
    """front.json of a run.

    Raises:
        UserError: there is none, or it holds no candidate.
    """
    file = run / "front.json"
    if not file.is_file():
        what = "has no front yet" if (run / "run.yaml").is_file() else "is no run folder"
        raise UserError(f"'{run}' {what}: it has no front.json")
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"'{file}' is no JSON: {error}") from error
    if document.get("schema") != 1:
        raise UserError(f"'{file}' has schema {document.get('schema')!r}; this release reads 1")
    if not document["front"]:
        raise UserError(f"the front of '{run}' holds no candidate; go on with `splitsearch run --resume {run}`")
    return document


def choose(document: Mapping[str, Any], *, trial: int | None, pick: str | None) -> Entry:
    """The entry of front.json that the user means.

    Args:
        document: front.json.
        trial: its number, or None.
        pick: one of `PICKS`, or None; both None means the knee.

    Raises:
        UserError: both are given, there is no such pick, or the trial is not on the front.
    """
    if trial is not None and pick is not None:
        raise UserError("--trial and --pick exclude each other")
    front: list[Entry] = document["front"]
    if trial is None:
        chosen = "knee" if pick is None else pick
        if chosen not in PICKS:
            raise UserError(f"unknown --pick '{chosen}'{nearest(chosen, PICKS)}")
        return PICKS[chosen](document)
    found = next((entry for entry in front if entry["trial"] == trial), None)
    if found is None:
        numbers = ", ".join(str(entry["trial"]) for entry in front)
        raise UserError(f"trial {trial} is not on the front, and only its candidates keep their weights: {numbers}")
    return found


def checkpoint_of(run: Path, entry: Entry) -> Path:
    """The trained weights of an entry.

    Raises:
        UserError: they are gone.
    """
    path = checkpoint_path(run / "checkpoints", entry["trial"])
    if not path.is_file():
        raise UserError(f"the weights of trial {entry['trial']} are gone: no file '{path}'")
    return path


def knee(document: Mapping[str, Any]) -> Entry:
    """The candidate that bends the front most: farthest from the plane through the extremes (Das, 1999).

    With every objective scaled to [0, 1] over the front, that is the least sum; of equals, the least latency.
    """
    front: list[Entry] = document["front"]
    names = [(objective["name"], objective["direction"]) for objective in document["objectives"]]
    sums = [0.0] * len(front)
    for name, direction in names:
        costs = [-entry["values"][name] if direction == "maximize" else entry["values"][name] for entry in front]
        low, high = min(costs), max(costs)
        for k, cost in enumerate(costs):
            sums[k] += (cost - low) / (high - low) if high > low else 0.0
    best = min(range(len(front)), key=lambda k: (round(sums[k], 12), front[k]["values"]["latency_ms"]))
    return front[best]


def _extreme(name: str) -> Callable[[Mapping[str, Any]], Entry]:
    """The best in one objective; of equals, the one that is best in accuracy, then in latency."""

    def pick(document: Mapping[str, Any]) -> Entry:
        front: Sequence[Entry] = document["front"]
        if any(name not in entry["values"] for entry in front):
            raise UserError(f"--pick {name.removesuffix('_ms')}: the candidates of this run have no {name}")
        sign = -1 if OBJECTIVES[name].direction == "maximize" else 1
        values = [entry["values"] for entry in front]
        order = sorted(
            range(len(front)),
            key=lambda k: (sign * values[k][name], -values[k]["accuracy"], values[k]["latency_ms"]),
        )
        return front[order[0]]

    return pick


PICKS: dict[str, Callable[[Mapping[str, Any]], Entry]] = {
    "knee": knee,
    "accuracy": _extreme("accuracy"),
    "latency": _extreme("latency_ms"),
    "payload": _extreme("payload_bytes"),
    "energy": _extreme("energy_mj"),
}
"""Names of `--pick`."""
