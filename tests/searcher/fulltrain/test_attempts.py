"""Faults in the middle of a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.fulltrain.checkpoint import read_checkpoint
from splitsearch.searcher.training.losses import relative_error
from splitsearch.searcher.training.trainers import hnd
from splitsearch.spaces.errors import UserError


@pytest.fixture
def loss(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the loss do something else from its n-th call on, so many times."""

    def set_up(first: int, times: int, act: Callable[[torch.Tensor], torch.Tensor]) -> None:
        calls = 0

        def error(*given: Any) -> torch.Tensor:
            nonlocal calls
            calls += 1
            found = relative_error(*given)
            return act(found) if first <= calls < first + times else found

        monkeypatch.setattr(hnd, "relative_error", error)

    return set_up


def out_of_memory(found: torch.Tensor) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def test_memory_that_runs_out_once_costs_the_epoch_and_halves_the_parts(
    loss: Any, export: Any, go: Any, watching: Any, tmp_path: Path
) -> None:
    loss(6, 1, out_of_memory)  # the second step of the second epoch
    watch = watching()
    go(export(), out=tmp_path / "o", reporter=watch)
    facts = read_checkpoint(tmp_path / "o" / "last.safetensors")[1]
    assert (facts["step"], facts["story"]["parts"]) == (8, 2)
    assert "memory ran out: each batch is computed in 2 parts from here on" in watch.said
    assert "going on after step 4 of 8" in watch.said
    assert [row["epoch"] for row in facts["story"]["rows"]] == [1, 2]


def test_memory_that_runs_out_twice_ends_it_with_one_line(loss: Any, export: Any, go: Any, tmp_path: Path) -> None:
    loss(6, 99, out_of_memory)
    with pytest.raises(UserError, match="memory ran out with batches of 40 images in 2 parts: begin anew with --accu"):
        go(export(), out=tmp_path / "o")
    assert read_checkpoint(tmp_path / "o" / "last.safetensors")[1]["step"] == 4


def test_other_faults_are_not_taken_for_it(loss: Any, export: Any, go: Any) -> None:
    def fault(found: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    loss(2, 1, fault)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        go(export())


def test_a_loss_that_is_no_number_ends_it_with_the_reason(loss: Any, export: Any, go: Any, tmp_path: Path) -> None:
    loss(7, 1, lambda found: found * float("nan"))
    with pytest.raises(UserError, match=r"diverged: loss nan after 240 samples; '.*o' keeps what was reached before"):
        go(export(), out=tmp_path / "o")
    assert read_checkpoint(tmp_path / "o" / "last.safetensors")[1]["step"] == 4


def test_a_checkpoint_that_was_altered_is_refused(export: Any, go: Any, killing: Any, tmp_path: Path) -> None:
    folder, out = export(), tmp_path / "o"
    with pytest.raises(BaseException, match=r"^$"):
        go(folder, out=out, reporter=killing(5))
    path = out / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(UserError, match=r"last\.safetensors' was changed since it was written"):
        go(folder, out=out, resume=True)
