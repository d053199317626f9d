"""One file that says where a training stands."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.fulltrain import checkpoint
from splitsearch.searcher.fulltrain.checkpoint import read_checkpoint, write_checkpoint
from splitsearch.spaces.errors import UserError

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.step": torch.tensor(7), "half": torch.ones(3).half()}
FACTS = {"step": 3, "story": {"loss": 0.1 + 0.2, "rows": [{"exit_rate": None}]}}


def test_what_was_written_is_read_bit_by_bit(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", TENSORS, FACTS)
    tensors, facts = read_checkpoint(tmp_path / "c")
    assert facts == FACTS
    assert tensors.keys() == TENSORS.keys()
    assert all(
        torch.equal(tensors[name], TENSORS[name]) and tensors[name].dtype == TENSORS[name].dtype for name in TENSORS
    )


@pytest.mark.parametrize("place", ["weights", "facts", "end", "everything"])
def test_what_was_altered_or_cut_short_is_refused(place: str, tmp_path: Path) -> None:
    path = tmp_path / "c"
    write_checkpoint(path, TENSORS, FACTS)
    data = path.read_bytes()
    broken = {
        "weights": data[:-1] + bytes([data[-1] ^ 1]),
        "facts": data.replace(b'\\"step\\": 3', b'\\"step\\": 4'),
        "end": data[:-5],
        "everything": b"nothing",
    }[place]
    assert broken != data
    path.write_bytes(broken)
    with pytest.raises(UserError, match=r"c' (was changed|is no checkpoint)"):
        read_checkpoint(path)


def test_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c"
    write_checkpoint(path, TENSORS, FACTS)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_bytes_atomic", full)
    with pytest.raises(UserError, match=r"c' cannot be written: No space left on device; what was kept before stays"):
        write_checkpoint(path, {}, {"step": 9})
    assert read_checkpoint(path)[1] == FACTS
