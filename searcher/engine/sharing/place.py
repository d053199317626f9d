"""Where a study lies, as data: a URL and a name, so that a worker elsewhere can be told of it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from splitsearch.spaces.errors import UserError

__all__ = ["STUDY_NAME", "Place", "keep_place", "local_place", "place_of"]

STUDY_NAME = "splitsearch"
_FILE = "study.json"
_HIDDEN = "***"
_KINDS = ("sqlite", "journal", "postgresql", "postgres", "mysql")
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):([^@]*)@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A study in a storage.

    Attributes:
        url: `sqlite:///FILE`, `journal:FILE`, or of a database, as SQLAlchemy writes it.
        study: its name there.
        beat_seconds: how often a worker says that it lives, where the storage keeps such.
        grace_seconds: silence after which a worker is taken for dead; several beats.

    Raises:
        UserError: no such kind of storage.
    """

    url: str
    study: str = STUDY_NAME
    beat_seconds: int = 30
    grace_seconds: int = 120

    def __post_init__(self) -> None:
        if self._scheme not in _KINDS or not self.url.partition(":")[2]:
            raise UserError(
                f"--storage {self.shown}: must be journal:FILE, sqlite:///FILE, postgresql://… or mysql://…"
            )
        if not self.study:
            raise UserError("--study must not be empty")

    @property
    def _scheme(self) -> str:
        return self.url.partition(":")[0].partition("+")[0]

    @property
    def kind(self) -> Literal["sqlite", "journal", "database"]:
        """What may be expected of it: one worker, one machine, or anything."""
        if self._scheme == "sqlite":
            return "sqlite"
        return "journal" if self._scheme == "journal" else "database"

    @property
    def shown(self) -> str:
        """The URL without its password, for messages and files."""
        return _PASSWORD.sub(rf"\1:{_HIDDEN}@", self.url)


def local_place(run: Path) -> Place:
    """The storage that a run folder has of its own."""
    return Place(url=f"sqlite:///{(run / 'study.db').resolve()}")


def keep_place(run: Path, place: Place) -> None:
    """Writes down where the study of a run folder lies, if that is elsewhere; no password is written."""
    if place != local_place(run):
        text = json.dumps({"storage": place.shown, "study": place.study})
        (run / _FILE).write_text(f"{text}\n", encoding="utf-8")


def place_of(run: Path, storage: str | None = None) -> Place:
    """Where the study of a run folder lies.

    Args:
        run: the folder.
        storage: the URL with its password, where the folder's has none.

    Raises:
        UserError: the password is needed, or the folder holds no study.
    """
    file = run / _FILE
    if not file.is_file():
        if not (run / "study.db").is_file():
            raise UserError(f"'{run}' is no run folder: it has no study.db")
        return local_place(run)
    kept = json.loads(file.read_text(encoding="utf-8"))
    if storage is None and _HIDDEN in kept["storage"]:
        raise UserError(f"the study of '{run}' lies in {kept['storage']}: give it with its password as --storage")
    return Place(url=storage or kept["storage"], study=kept["study"])
