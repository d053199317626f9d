"""Arrays that grow on the disk: going on after a kill, and what a full disk leaves behind."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.training.cache import unheard
from splitsearch.searcher.training.entries import Entry, open_entry
from splitsearch.searcher.training.writer import StoreFault, Writer

ROWS = torch.arange(60, dtype=torch.int32).reshape(20, 3)


def killed(entry: Entry, upto: int) -> None:
    """A builder that marks every four rows, and dies without a word."""
    writer = Writer(entry, 1000).__enter__()
    for start in range(0, upto, 4):
        writer.append(ROWS[start : start + 4], mark={"next": start + 4})
    writer.append(ROWS[upto : upto + 1])
    writer._close()


def finish(entry: Entry) -> tuple[int, torch.Tensor]:
    with Writer(entry, 1000) as writer:
        began = writer.rows
        assert began == 0 or writer.marks[-1] == {"next": began}
        writer.append(ROWS[began:])
        writer.publish({}, {})
    found = open_entry(entry, unheard)
    assert found is not None
    return began, found.tensor


def test_a_killed_builder_is_gone_on_with_at_its_last_mark(tmp_path: Path) -> None:
    entry = Entry(tmp_path / "e")
    killed(entry, 12)
    began, tensor = finish(entry)
    assert began == 12
    assert torch.equal(tensor, ROWS)
    assert {path.suffix for path in tmp_path.iterdir()} == {".raw", ".json"}


@pytest.mark.parametrize(("damage", "kept"), [("part", 4), ("journal", 8), ("cut", 8), ("gone", 0)])
def test_only_what_the_marks_vouch_for_is_kept(damage: str, kept: int, tmp_path: Path) -> None:
    entry = Entry(tmp_path / "e")
    killed(entry, 12)
    content = bytearray(entry.part.read_bytes())
    if damage == "part":
        content[4 * 12 + 5] ^= 1
        entry.part.write_bytes(content)
    elif damage == "cut":
        entry.part.write_bytes(content[: 10 * 12])
    elif damage == "journal":
        entry.journal.write_text(entry.journal.read_text()[:-10])
    else:
        entry.journal.unlink()
    began, tensor = finish(entry)
    assert began == kept
    assert torch.equal(tensor, ROWS)


def interrupted(entry: Entry, mark: Any) -> None:
    with Writer(entry, 1000) as writer:
        writer.append(ROWS[:4], mark=mark)
        raise KeyboardInterrupt


def test_an_interrupt_keeps_what_is_marked_and_drops_what_is_not(tmp_path: Path) -> None:
    for mark, left in (({"next": 4}, {".part", ".journal"}), (None, set())):
        with pytest.raises(KeyboardInterrupt):
            interrupted(Entry(tmp_path / "e"), mark)
        assert {path.suffix for path in tmp_path.iterdir()} == left
        Entry(tmp_path / "e").remove()


class Full:
    """A file on a full disk."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, _data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def filled_up(entry: Entry) -> None:
    with Writer(entry, 1000) as writer:
        writer.append(ROWS[:4], mark={})
        writer._file = Full(writer._file)  # type: ignore[assignment]
        writer.append(ROWS[4:])


def test_a_full_disk_is_a_fault_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="No space left"):
        filled_up(Entry(tmp_path / "e"))
    assert list(tmp_path.iterdir()) == []


def test_rows_of_another_shape_or_type_are_refused(tmp_path: Path) -> None:
    with Writer(Entry(tmp_path / "e"), 1000) as writer:
        writer.append(ROWS)
        for wrong in (ROWS[:, :2], ROWS.long()):
            with pytest.raises(ValueError, match=r"rows must be \(3,\) torch.int32"):
                writer.append(wrong)


def test_the_journal_begins_with_the_promise(tmp_path: Path) -> None:
    entry = Entry(tmp_path / "e")
    killed(entry, 4)
    assert json.loads(entry.journal.read_text().splitlines()[0]) == {"promise": 1000}
    assert entry.bytes == 1000
