"""Opening storages, and refusing what they cannot bear."""

from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.storages import JournalStorage, RDBStorage

from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place, local_place
from splitsearch.searcher.engine.sharing.storage import connect, require_sharing
from splitsearch.spaces.errors import UserError


def test_sqlite_is_for_one_worker(tmp_path: Path) -> None:
    place = local_place(tmp_path)
    require_sharing(place, 1)
    for workers, elsewhere in ((2, False), (1, True)):
        with pytest.raises(UserError, match=r"hands the same trial to two.*journal:FILE"):
            require_sharing(place, workers, elsewhere=elsewhere)
    require_sharing(Place(url="journal:x"), 4)


def test_a_storage_that_cannot_be_reached_is_one_line() -> None:
    place = Place(url="postgresql://me:secret@127.0.0.1:1/none")
    with pytest.raises(UserError, match=r"cannot be reached: ") as error:
        connect(place, Patience(seconds=0.3))
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_what_is_wrong_with_a_url_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        connect(Place(url=f"journal:{tmp_path}/none/x"), Patience())
    with pytest.raises(UserError, match="no URL of a database"):
        connect(Place(url="postgresql+nothing://h/d"), Patience())


def test_kinds_of_storages(tmp_path: Path, database: Callable[[str], Place]) -> None:
    assert isinstance(connect(Place(url=f"journal:{tmp_path}/x"), Patience()), JournalStorage)
    local = connect(local_place(tmp_path), Patience())
    shared = connect(database("kinds"), Patience())
    assert isinstance(local, RDBStorage)
    assert isinstance(shared, RDBStorage)
    assert (local.get_heartbeat_interval(), shared.get_heartbeat_interval()) == (None, 1)
