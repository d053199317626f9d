"""Checkpoints of rungs."""

from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.rungs import drop, identity, keep, resume

WHO = identity("key", Recipe(), 0, (8,))
CURVE = [{"rung": 0, "samples": 32, "loss": 0.5}]


def test_a_checkpoint_is_taken_up_once_and_dropped(training: Any, tmp_path: Path) -> None:
    first, second = training("bottlefit"), training("bottlefit")
    first.advance(5)
    keep(tmp_path / "a", first, CURVE, WHO)
    assert {path.suffix for path in (tmp_path / "a").iterdir()} == {".safetensors", ".json"}
    assert resume(tmp_path / "a", second, WHO) == CURVE
    assert second.step == 5
    assert all(torch.equal(value, second.state()[0][key]) for key, value in first.state()[0].items())
    drop(tmp_path / "a")
    assert not tmp_path.exists()
    assert not (tmp_path / "a").exists()
    assert resume(tmp_path / "a", second, WHO) == []


@pytest.mark.parametrize("fault", ["flipped", "truncated", "no json", "another", "another recipe"])
def test_what_cannot_be_trusted_is_no_checkpoint(training: Any, tmp_path: Path, fault: str) -> None:
    first, second = training(), training()
    first.advance(2)
    keep(tmp_path, first, CURVE, WHO)
    weights, facts = tmp_path / "state.safetensors", tmp_path / "state.json"
    data = bytearray(weights.read_bytes())
    if fault == "flipped":
        data[-1] ^= 1
        weights.write_bytes(data)
    elif fault == "truncated":
        weights.write_bytes(data[:-9])
    elif fault == "no json":
        facts.write_text(facts.read_text(encoding="utf-8")[:20], encoding="utf-8")
    who = {
        "another": identity("other", Recipe(), 0, (8,)),
        "another recipe": identity("key", Recipe(epochs=2), 0, (8,)),
    }
    assert resume(tmp_path, second, who.get(fault, WHO)) == []
    assert second.step == 0
