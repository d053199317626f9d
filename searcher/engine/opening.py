"""Opens the study of a run for reading, as the dashboard, retargeting and a resumed run do."""

from pathlib import Path
from typing import Any

import optuna

from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place, local_place, place_of
from splitsearch.searcher.engine.sharing.storage import connect
from splitsearch.spaces.errors import UserError

__all__ = ["load_study", "open_study", "storage_url", "stored_facts"]


def storage_url(run: Path) -> str:
    """The storage that a run folder has of its own."""
    return local_place(run).url


def load_study(place: Place) -> optuna.Study:
    """Opens the study of a place for reading.

    Raises:
        UserError: it cannot be reached, or is not there.
    """
    storage = connect(place, Patience(seconds=10.0))
    try:
        return optuna.load_study(study_name=place.study, storage=storage)
    except KeyError as error:
        raise UserError(f"{place.shown} holds no study '{place.study}': start it with `splitsearch run`") from error


def open_study(run: Path) -> optuna.Study:
    """Opens the study of a run folder for reading.

    Raises:
        UserError: the folder holds no study.
    """
    return load_study(place_of(run))


def stored_facts(run: Path, place: Place | None = None) -> dict[str, Any]:
    """What a former part of a run described; empty before its first."""
    if place is None or place.kind == "sqlite":
        if not (run / "study.db").is_file():
            return {}
        place = local_place(run)
    storage = connect(place, Patience(seconds=30.0))
    try:
        return dict(optuna.load_study(study_name=place.study, storage=storage).user_attrs)
    except KeyError:  # the file was made, and a kill came before the study
        return {}
