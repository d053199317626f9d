"""Entries of the store on the disk: any array comes back, and any altered byte is noticed."""

import json
import os
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.searcher.training import blocks, entries
from splitsearch.searcher.training.cache import unheard
from splitsearch.searcher.training.entries import Entry, Stored, dtype_name, entry_name, in_use, open_entry
from splitsearch.searcher.training.writer import Writer

DTYPES = [
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
]  # fmt: skip


def write(place: Path, rows: torch.Tensor) -> Entry:
    entry = Entry(place)
    with Writer(entry, 10**6) as writer:
        writer.append(rows)
        writer.publish({"of": "test"}, {"note": "ä"})
    return entry


def forget() -> None:
    """As a new process would."""
    entries._VERIFIED.clear()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 99))
def test_any_shape_and_type_comes_back(dtype: torch.dtype, shape: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 100, shape, generator=generator).to(dtype)
    with tempfile.TemporaryDirectory() as folder:
        forget()
        found = open_entry(write(Path(folder) / "e", rows), unheard)
        assert found is not None
        assert (found.tensor.dtype, found.tensor.shape, found.facts) == (dtype, rows.shape, {"note": "ä"})
        assert torch.equal(found.tensor, rows)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_single_altered_byte_is_noticed(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 64)
        entry = write(Path(folder) / "e", torch.arange(100))
        path = data.draw(st.sampled_from([entry.raw, entry.header]))
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        forget()
        heard: list[str] = []
        assert open_entry(entry, heard.append) is None
        assert "made anew" in heard[0]


@pytest.mark.parametrize("length", [0, 1, 799, 801])
def test_another_length_is_noticed(length: int, tmp_path: Path) -> None:
    entry = write(tmp_path / "e", torch.arange(100))
    entry.raw.write_bytes((entry.raw.read_bytes() + b"x")[:length])
    forget()
    heard: list[str] = []
    assert open_entry(entry, heard.append) is None
    assert f"{length} bytes in place of 800" in heard[0]


def test_no_header_is_no_entry_and_no_fault(tmp_path: Path) -> None:
    entry = write(tmp_path / "e", torch.arange(3))
    entry.header.unlink()
    heard: list[str] = []
    assert open_entry(entry, heard.append) is None
    assert heard == []


def test_a_file_is_verified_once_in_a_process_and_again_when_it_was_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, looks = write(tmp_path / "e", torch.arange(3)), []
    forget()
    real = entries.first_difference
    monkeypatch.setattr(entries, "first_difference", lambda *given: looks.append(given[2]) or real(*given))
    for _ in range(3):
        assert open_entry(entry, unheard) is not None
    assert looks == [None]
    os.utime(entry.raw, ns=(1, 1))
    assert open_entry(entry, unheard) is not None
    assert looks == [None, None]


def test_a_large_file_is_sampled_unless_it_was_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    monkeypatch.setattr(entries, "BLOCK_BYTES", 64)
    monkeypatch.setattr(entries, "WHOLE_BYTES", 128)
    entry, samples = write(tmp_path / "e", torch.arange(100)), []
    real = entries.first_difference
    monkeypatch.setattr(entries, "first_difference", lambda *given: samples.append(given[2]) or real(*given))
    for changed in (None, 5, None):
        forget()
        if changed:
            os.utime(entry.raw, ns=(changed, changed))
        assert open_entry(entry, unheard) is not None
    # The second reading saw all of it, and the third knows so.
    assert samples == [2, None, 2]


def test_a_map_keeps_its_entry_from_being_evicted_until_it_goes(tmp_path: Path) -> None:
    entry = write(tmp_path / "e", torch.arange(100))
    assert not in_use(entry)
    found: Stored | None = open_entry(entry, unheard)
    assert found is not None
    tensor = found.tensor[3:7]
    del found
    assert in_use(entry)
    entry.remove()
    assert tensor.tolist() == [3, 4, 5, 6]
    assert not in_use(entry)


def test_what_is_not_mapped_is_free(tmp_path: Path) -> None:
    entry = write(tmp_path / "e", torch.arange(100))
    found = open_entry(entry, unheard)
    del found
    assert not in_use(entry)


def test_the_name_depends_on_the_key_and_not_on_its_order() -> None:
    assert entry_name({"a": 1, "b": 2}) == entry_name({"b": 2, "a": 1}) != entry_name({"a": 1, "b": 3})
    assert dtype_name(torch.bfloat16) == "bfloat16"


def test_a_promise_counts_as_taken(tmp_path: Path) -> None:
    entry = Entry(tmp_path / "e")
    assert (entry.bytes, entry.last_use) == (0, 0.0)
    entry.promise(1000)
    assert entry.bytes == 1000
    assert entry.last_use > 0
    entry.remove()
    assert entry.bytes == 0
    assert json.loads(entries.header_text({"a": 1}))["a"] == 1
