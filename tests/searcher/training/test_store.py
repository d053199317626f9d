"""The store: built once, bounded, shared by processes, and never the end of a run."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.training import entries, store
from splitsearch.searcher.training.entries import Entry, entry_name
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.writer import Writer

ROWS = torch.arange(1000, dtype=torch.int64)
SIZE = 8000

BUILD = """
import sys, time
from pathlib import Path
import torch
from splitsearch.searcher.training.store import Store

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])

def fill(writer):
    for start in range(writer.rows, 1000, 100):
        writer.append(torch.arange(start, start + 100), mark=start)
        print(f"built {start}", flush=True)
        time.sleep(seconds)
    return {}

found = Store(folder, 10**6, say=print).get("things", {"n": 1}, 8000, fill)
print("none" if found is None else f"sum {int(found.tensor.sum())}", flush=True)
"""


class Builder:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, writer: Writer) -> dict[str, Any]:
        self.calls += 1
        writer.append(ROWS)
        return {"calls": self.calls}


def key(number: int) -> dict[str, int]:
    return {"n": number}


def run(folder: Path, seconds: float = 0.0, before: str = "") -> "subprocess.Popen[str]":
    code = [sys.executable, "-c", before + BUILD, str(folder), str(seconds)]
    return subprocess.Popen(code, stdout=subprocess.PIPE, text=True)


def test_what_is_built_once_is_opened_ever_after(tmp_path: Path) -> None:
    build, heard = Builder(), list[str]()
    for _ in range(2):
        made = Store(tmp_path, say=heard.append)
        assert made.open("things", key(2)) is None
        found = made.get("things", key(1), SIZE, build)
        assert found is not None
        assert torch.equal(found.tensor, ROWS)
        assert found.facts == {"calls": 1}
    assert (build.calls, heard) == (1, [])


@pytest.mark.parametrize("damage", ["truncate", "alter", "header", "lost"])
def test_a_damaged_entry_is_told_and_built_anew(damage: str, tmp_path: Path) -> None:
    build, heard = Builder(), list[str]()
    Store(tmp_path).get("things", key(1), SIZE, build)
    entry = Entry(tmp_path / "things" / entry_name(key(1)))
    path = entry.header if damage == "header" else entry.raw
    content = bytearray(path.read_bytes())
    content[100] ^= 4
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(content[:-8] if damage == "truncate" else content)
    entries._VERIFIED.clear()
    found = Store(tmp_path, say=heard.append).get("things", key(1), SIZE, build)
    assert found is not None
    assert torch.equal(found.tensor, ROWS)
    assert build.calls == 2
    assert len(heard) == (0 if damage == "lost" else 1)


def test_the_least_recently_used_goes_first_and_what_is_in_use_never(tmp_path: Path) -> None:
    made = Store(tmp_path, max_bytes=3 * SIZE)
    for number in range(3):
        made.get("things", key(number), SIZE, Builder())
        header = Entry(tmp_path / "things" / entry_name(key(number))).header
        os.utime(header, (number, number))
    first = made.open("things", key(0))  # and so the most recently used
    assert first is not None
    held = made.open("others", key(9)) or made.open("things", key(1))
    os.utime(Entry(tmp_path / "things" / entry_name(key(1))).header, (0, 0))  # in use, though long ago
    made.get("things", key(3), SIZE, Builder())
    kept = [number for number in range(4) if made.open("things", key(number))]
    assert kept == [0, 1, 3]
    assert held is not None


def test_a_store_full_of_what_is_in_use_says_so_once_and_builds_nothing(tmp_path: Path) -> None:
    heard, build = list[str](), Builder()
    made = Store(tmp_path, max_bytes=2 * SIZE, say=heard.append)
    held = [made.get("things", key(number), SIZE, Builder()) for number in range(2)]
    assert not made.fits(SIZE)
    assert made.get("things", key(2), SIZE, build) is None
    assert made.get("things", key(3), SIZE, build) is None
    assert build.calls == 0
    assert len(heard) == 1
    assert "in use" in heard[0]
    held.clear()
    assert made.fits(SIZE)
    assert not made.fits(2 * SIZE + 1)
    assert made.get("things", key(2), SIZE, build) is not None


def test_an_array_above_the_bound_is_not_built(tmp_path: Path) -> None:
    build = Builder()
    assert Store(tmp_path, max_bytes=SIZE - 1).get("things", key(1), SIZE, build) is None
    assert (build.calls, list(tmp_path.iterdir())) == (0, [])


def test_a_disk_without_room_is_not_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: usage(store._MARGIN + SIZE - 1))
    heard, build = list[str](), Builder()
    made = Store(tmp_path, say=heard.append)
    assert not made.fits(SIZE)
    assert made.get("things", key(1), SIZE, build) is None
    assert build.calls == 0
    assert "has no room" in heard[0]


def test_a_disk_that_fills_up_meanwhile_is_one_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("splitsearch.searcher.training.writer.write_header", full)
    heard, build = list[str](), Builder()
    made = Store(tmp_path, say=heard.append)
    assert made.get("things", key(1), SIZE, build) is None
    assert made.get("things", key(2), SIZE, build) is None
    assert build.calls == 1
    assert heard == [f"the cache in '{tmp_path}' cannot be written (No space left on device): computing without it"]
    assert not made.fits(1)


def test_a_limit_on_the_length_of_files_is_one_note(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
    out, _ = run(tmp_path, before=limit).communicate(timeout=60)
    assert "cannot be written (File too large): computing without it" in out
    assert out.splitlines()[-1] == "none"
    assert not list(tmp_path.glob("*/*.part")) + list(tmp_path.glob("*/*.raw"))


def test_a_place_that_is_no_folder_is_one_note(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    heard: list[str] = []
    assert Store(tmp_path / "file", say=heard.append).get("things", key(1), SIZE, Builder()) is None
    assert len(heard) == 1
    assert "cannot be written" in heard[0]


def test_an_error_of_the_builder_is_the_callers(tmp_path: Path) -> None:
    def fill(_writer: Writer) -> dict[str, Any]:
        raise KeyError("mine")

    made = Store(tmp_path)
    with pytest.raises(KeyError, match="mine"):
        made.get("things", key(1), SIZE, fill)
    assert made.get("things", key(1), SIZE, Builder()) is not None


def test_two_processes_that_want_the_same_build_it_once(tmp_path: Path) -> None:
    with run(tmp_path, 0.05) as one, run(tmp_path, 0.05) as two:
        outputs = [process.communicate(timeout=60)[0] for process in (one, two)]
    assert sum(output.count("built ") for output in outputs) == 10
    assert all(output.splitlines()[-1] == f"sum {int(ROWS.sum())}" for output in outputs)


def test_a_killed_builder_blocks_nobody_and_is_gone_on_with(tmp_path: Path) -> None:
    with run(tmp_path, 0.2) as first:
        assert first.stdout is not None
        for _ in range(4):
            first.stdout.readline()
        first.send_signal(signal.SIGKILL)
        first.wait()
    out, _ = run(tmp_path).communicate(timeout=60)
    built = [line for line in out.splitlines() if line.startswith("built")]
    assert 1 <= len(built) <= 7
    assert out.splitlines()[-1] == f"sum {int(ROWS.sum())}"


def test_what_a_killed_builder_left_makes_room_for_others(tmp_path: Path) -> None:
    with run(tmp_path, 0.2) as first:
        assert first.stdout is not None
        first.stdout.readline()
        made = Store(tmp_path, max_bytes=SIZE + 100)
        assert not made.fits(SIZE)  # while it is being built, it counts whole
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert made.fits(SIZE)
    assert made.get("things", key(2), SIZE, Builder()) is not None
    assert not list(tmp_path.glob("*/*.part"))


def test_the_folder_may_be_deleted_at_any_time(tmp_path: Path) -> None:
    made = Store(tmp_path / "cache")
    found = made.get("things", key(1), SIZE, Builder())
    shutil.rmtree(tmp_path / "cache")
    assert found is not None
    assert torch.equal(found.tensor, ROWS)
    again = made.get("things", key(1), SIZE, Builder())
    assert again is not None
    assert torch.equal(again.tensor, ROWS)
    assert time.time() - Entry(tmp_path / "cache" / "things" / entry_name(key(1))).last_use < 60
