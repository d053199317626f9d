"""manifest.json."""

import hashlib
import json
from pathlib import Path

import pytest

from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.manifest import HEAD_PARTS, MANIFEST, file_hash, read_manifest, write_manifest
from splitsearch.spaces.errors import UserError


def test_the_round_trip(exported: ExportFolder, tmp_path: Path) -> None:
    write_manifest(tmp_path, exported.manifest)
    assert read_manifest(tmp_path) == exported.manifest
    assert (tmp_path / MANIFEST).read_bytes() == (exported.path / MANIFEST).read_bytes()


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10000
    (tmp_path / "file").write_bytes(data)
    assert file_hash(tmp_path / "file") == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"schema": 2}, "has schema 2, this release reads 1"),
        ({"trial": -1}, "the field 'trial' is wrong"),
        ({"payload": {}}, r"the field 'payload\.shape' is wrong"),
        ({"surprise": 1}, "the field 'surprise' is wrong"),
    ],
)
def test_what_is_wrong_is_one_line(
    change: dict[str, object], line: str, exported: ExportFolder, tmp_path: Path
) -> None:
    data = json.loads((exported.path / MANIFEST).read_text(encoding="utf-8")) | change
    (tmp_path / MANIFEST).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match=line):
        read_manifest(tmp_path)


def test_a_folder_of_before_heads_had_parts_is_read(exported: ExportFolder, tmp_path: Path) -> None:
    data = json.loads((exported.path / MANIFEST).read_text(encoding="utf-8"))
    assert list(data.pop("head_parts")) == list(HEAD_PARTS)
    (tmp_path / MANIFEST).write_text(json.dumps(data), encoding="utf-8")
    assert read_manifest(tmp_path) == exported.manifest.model_copy(update={"head_parts": None})


def test_no_export_folder(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"is no export folder: it has no manifest\.json; `splitsearch export RUN -o DIR`"
    ):
        read_manifest(tmp_path)
    for text, line in (("{", "is no JSON"), ("[]", "has schema None")):
        (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=line):
            read_manifest(tmp_path)
