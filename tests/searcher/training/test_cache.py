"""The cache trusts nothing that it cannot check."""

from pathlib import Path

import pytest
import torch

from splitsearch.searcher.training.cache import Cache, default_cache_dir

KEY = {"a": 1}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    found = Cache(tmp_path)
    found.write("things", KEY, {"x": torch.arange(4.0)}, {"accuracy": 0.5})
    return found


def test_what_was_written_is_read(cache: Cache) -> None:
    found = cache.read("things", KEY)
    assert found is not None
    tensors, facts = found
    assert torch.equal(tensors["x"], torch.arange(4.0))
    assert facts == {"accuracy": 0.5}
    assert cache.read("things", {"a": 2}) is None
    assert cache.read("others", KEY) is None


def test_an_altered_entry_is_no_entry(cache: Cache) -> None:
    path = cache.path("things", KEY)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert cache.read("things", KEY) is None


def test_a_truncated_entry_is_no_entry(cache: Cache) -> None:
    path = cache.path("things", KEY)
    path.write_bytes(path.read_bytes()[:-3])
    assert cache.read("things", KEY) is None
    path.with_suffix(".json").write_text("{", encoding="utf-8")
    assert cache.read("things", KEY) is None


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPLITSEARCH_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("SPLITSEARCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "splitsearch"
