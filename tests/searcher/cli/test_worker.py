"""The worker's command line."""

from typing import Any

import pytest


def test_a_storage_is_needed(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPLITSEARCH_STORAGE", raising=False)
    done = command("worker")
    assert (done.returncode, "--storage is missing" in done.stderr) == (2, True)


def test_a_storage_away_is_one_line(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPLITSEARCH_STORAGE", "redis://me:secret@host")
    done = command("worker", "--wait", "0")
    assert done.returncode == 2
    assert "secret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
