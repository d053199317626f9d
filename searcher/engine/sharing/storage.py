"""Storages of Optuna from places: SQLite for one worker, a journal for one machine, a database for many."""

import re
import warnings
import weakref
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.spaces.errors import StorageError, UserError

__all__ = ["connect", "require_sharing"]

# Drivers that install everywhere; a URL that names its own keeps it.
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_EXTRAS = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql"}


def require_sharing(place: Place, workers: int, *, elsewhere: bool = False) -> None:
    """Refuses what the storage cannot bear.

    Args:
        place: the storage.
        workers: how many there are to be.
        elsewhere: whether some are started on their own, perhaps on other machines.

    Raises:
        UserError: SQLite with several workers, which hands out trials twice and loses updates.
    """
    if place.kind == "sqlite" and (workers > 1 or elsewhere):
        raise UserError(
            f"several workers cannot share {place.shown}: SQLite hands the same trial to two of them and loses "
            "updates; use --storage journal:FILE on one machine, postgresql://… on several"
        )


def connect(place: Place, patience: Patience, stale: object = None) -> BaseStorage:
    """Opens a storage, with patience.

    Args:
        place: which.
        patience: how long it may take to answer.
        stale: called by Optuna with study and trial when a trial's worker fell silent; databases alone know.

    Raises:
        UserError: it cannot be opened.
    """
    if place.kind == "journal":
        return _journal(Path(place.url.partition(":")[2]))
    beats = {}
    if place.kind == "database":
        beats = {
            "heartbeat_interval": place.beat_seconds,
            "grace_period": place.grace_seconds,
            "heartbeat_stale_trial_callback": stale,
        }

    def opened() -> BaseStorage:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # the beats
            # A pool that outlives a restart of the database asks each connection whether it still is one.
            storage = RDBStorage(_driven(place.url), engine_kwargs={"pool_pre_ping": True}, **beats)  # type: ignore[arg-type]
        weakref.finalize(storage, storage.engine.dispose)  # else its connections stay open until the server minds
        return storage

    scheme = re.split(r"[:+]", place.url)[0]
    try:
        return patience(opened)
    except ImportError as error:
        extra = _EXTRAS.get(scheme, scheme)
        raise UserError(f"--storage {place.shown} needs a driver: pip install 'splitsearch[{extra}]'") from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UserError(f"--storage {place.shown}: is no URL of a database: {error}") from error
    except StorageError as error:
        raise UserError(f"the storage {place.shown} cannot be reached: {error}") from error


def _journal(file: Path) -> JournalStorage:
    if not file.resolve().parent.is_dir():
        raise UserError(f"--storage journal:{file}: there is no folder '{file.resolve().parent}'")
    return JournalStorage(JournalFileBackend(str(file)))


def _driven(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    return f"{_DRIVERS.get(scheme, scheme)}{colon}{rest}"
