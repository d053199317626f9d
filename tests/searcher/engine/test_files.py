"""Files that a kill cannot leave half-written."""

from pathlib import Path

import pytest

from splitsearch.searcher.engine.files import append_line, read_lines, write_atomic, write_bytes_atomic, write_lines


def test_text_and_bytes_replace_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomic(file, "äb")
    write_bytes_atomic(file, b"cd")
    assert file.read_bytes() == b"cd"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomic(file, "old")
    with pytest.raises(TypeError):
        write_bytes_atomic(file, "no bytes")  # type: ignore[arg-type]
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_last_line_cut_short_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    write_lines(file, [{"a": 1}])
    append_line(file, {"a": 2})
    with file.open("a", encoding="utf-8") as half:
        half.write('{"a": ')
    assert read_lines(file) == [{"a": 1}, {"a": 2}]
