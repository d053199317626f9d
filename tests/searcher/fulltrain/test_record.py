"""What a training was begun with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.fulltrain.record import RECORD, read_record, require_agreement, write_record
from splitsearch.spaces.errors import UserError


def test_what_was_written_is_read(material: Material, tmp_path: Path) -> None:
    write_record(tmp_path, material, "splitsearch train x")
    record = read_record(tmp_path)
    assert (record.config, record.settings) == (material.export.config, material.settings)
    assert (record.data, record.teacher) == (material.data.fingerprint, material.digest)
    assert "torch" in record.versions
    require_agreement(record, material, tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "holds no training to resume"),
        ("a: [", "cannot be read as YAML"),
        ("schema: 2", "has schema 2, this release reads 1"),
        ("schema: 1", "lacks the field 'config'"),
    ],
)
def test_what_cannot_be_read(text: str | None, line: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / RECORD).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=line):
        read_record(tmp_path)


def test_what_differs_is_named(material: Material, changed: Any, tmp_path: Path) -> None:
    write_record(tmp_path, material, "")
    record = read_record(tmp_path)
    with pytest.raises(UserError, match="begun with other images"):
        require_agreement(record, changed(subset=80), tmp_path)
    with pytest.raises(UserError, match="begun with other weights of the teacher"):
        require_agreement(record, replace(material, digest="0" * 64), tmp_path)
    export = material.export
    other = replace(material, export=replace(export, config=replace(export.config, channels=2)))
    with pytest.raises(UserError, match="is the training of another candidate"):
        require_agreement(record, other, tmp_path)
    retuned = replace(material, export=replace(export, config=replace(export.config, exit_threshold=0.5)))
    require_agreement(record, retuned, tmp_path)
