"""Where a study lies, as data."""

from pathlib import Path

import pytest

from splitsearch.searcher.engine.sharing.place import Place, keep_place, local_place, place_of
from splitsearch.spaces.errors import UserError


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:///a.db", "sqlite"),
        ("journal:a.log", "journal"),
        ("postgresql://h/d", "database"),
        ("postgresql+psycopg://h/d", "database"),
        ("mysql://h/d", "database"),
    ],
)
def test_kinds(url: str, kind: str) -> None:
    assert Place(url=url).kind == kind


@pytest.mark.parametrize("url", ["redis://h", "a.db", "journal:", ""])
def test_what_is_no_storage_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="journal:FILE"):
        Place(url=url)


def test_a_password_is_neither_shown_nor_kept(tmp_path: Path) -> None:
    place = Place(url="postgresql://me:se:cret@host/db", study="s")
    assert place.shown == "postgresql://me:***@host/db"
    assert Place(url="postgresql://me@host/db").shown == "postgresql://me@host/db"
    keep_place(tmp_path, place)
    assert "cret" not in (tmp_path / "study.json").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="with its password"):
        place_of(tmp_path)
    assert place_of(tmp_path, place.url) == place


def test_a_folder_of_its_own_needs_no_file(tmp_path: Path) -> None:
    keep_place(tmp_path, local_place(tmp_path))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="no run folder"):
        place_of(tmp_path)
    (tmp_path / "study.db").touch()
    assert place_of(tmp_path) == local_place(tmp_path)
