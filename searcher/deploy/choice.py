"""Which candidate of a run is meant, and where its weights lie: all that this package knows of a run folder's files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.objectives import OBJECTIVES
from splitsearch.searcher.engine.trial import checkpoint_path
from splitsearch.searcher.picks import pick as picked
from splitsearch.searcher.report.record import read_front
from splitsearch.spaces.errors import UserError

__all__ = ["checkpoint_of", "choose", "require_front"]

Entry = dict[str, Any]


def require_front(run: Path) -> dict[str, Any]:
    """front.json of a run, with at least one candidate.

    Raises:
        UserError: there is none, or it holds no candidate.
    """
    document = read_front(run)
    if not document["front"]:
        raise UserError(f"the front of '{run}' holds no candidate; go on with `splitsearch run --resume {run}`")
    return document


def choose(document: Mapping[str, Any], *, trial: int | None, pick: str | None) -> Entry:
    """The entry of front.json that the user means.

    Args:
        document: front.json.
        trial: its number, or None.
        pick: as `picks` knows them, or None; both None means the knee.

    Raises:
        UserError: both are given, there is no such pick, or the trial is not on the front.
    """
    if trial is not None and pick is not None:
        raise UserError("--trial and --pick exclude each other")
    front: list[Entry] = document["front"]
    if trial is None:
        objectives = tuple(OBJECTIVES[objective["name"]] for objective in document["objectives"])
        return picked(front, objectives, "knee" if pick is None else pick)
    found = next((entry for entry in front if entry["trial"] == trial), None)
    if found is None:
        numbers = ", ".join(str(entry["trial"]) for entry in front)
        raise UserError(f"trial {trial} is not on the front, and only its candidates keep their weights: {numbers}")
    return found


def checkpoint_of(run: Path, entry: Entry) -> Path:
    """The trained weights of an entry: those of the trial whose training it shares, or of its confirmation.

    Raises:
        UserError: they are gone.
    """
    confirmed = (entry.get("confirmed") or {}).get("checkpoint")
    shared = entry.get("trained_by")
    number = entry["trial"] if shared is None else shared
    path = run / confirmed if confirmed else checkpoint_path(run / "checkpoints", number)
    if not path.is_file():
        raise UserError(f"the weights of trial {entry['trial']} are gone: no file '{path}'")
    return path
