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


def test_others_may_read_what_the_umask_lets_them_read(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomic(tmp_path / "a", "x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_interrupt_after_the_move_stays_that_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def moved_then_interrupted(source: Path, target: Path) -> None:
        source.rename(target)
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", moved_then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("before", ["", '{"a": 1}\n'])
def test_what_is_appended_after_a_cut_line_is_read(tmp_path: Path, before: str) -> None:
    file = tmp_path / "lines"
    file.write_text(f'{before}{{"a": ')
    append_line(file, {"a": 2})
    assert read_lines(file) == ([{"a": 1}] if before else []) + [{"a": 2}]


def test_a_last_line_cut_short_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    write_lines(file, [{"a": 1}])
    append_line(file, {"a": 2})
    with file.open("a", encoding="utf-8") as half:
        half.write('{"a": ')
    assert read_lines(file) == [{"a": 1}, {"a": 2}]
