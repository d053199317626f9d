"""Batches, steps, accuracies."""

import pytest
import torch
from torch import nn

from splitsearch.searcher.training.loops import Schedule, batches, correct, exhausted, minimise, silent
from splitsearch.spaces.errors import InfeasibleError

SCHEDULE = Schedule(epochs=30, batch_size=8, learning_rate=0.3)


def test_an_epoch_sees_every_image_once_in_a_seeded_order() -> None:
    first, second = (torch.cat(list(batches(10, 4, torch.Generator().manual_seed(1)))) for _ in range(2))
    assert torch.equal(first, second)
    assert sorted(first.tolist()) == list(range(10))


def test_a_last_batch_of_one_is_dropped() -> None:
    assert [len(batch) for batch in batches(9, 4, torch.Generator())] == [4, 4]
    assert [len(batch) for batch in batches(1, 4, torch.Generator())] == [1]


def test_a_line_is_fitted() -> None:
    torch.manual_seed(0)
    x, layer, losses = torch.randn(32, 1), nn.Linear(1, 1), []

    def loss_of(indices: torch.Tensor) -> torch.Tensor:
        return (layer(x[indices]) - (3 * x[indices] + 1)).square().mean()

    minimise(loss_of, layer.parameters(), SCHEDULE, 32, torch.Generator(), lambda epoch, loss: losses.append(loss))
    assert len(losses) == 30
    assert losses[-1] < 1e-2 < losses[0]


def test_a_diverged_training_is_this_candidates_end() -> None:
    layer = nn.Linear(1, 1)
    with pytest.raises(InfeasibleError, match="diverged: loss nan in epoch 1"):
        minimise(lambda i: layer.weight.sum() * float("nan"), layer.parameters(), SCHEDULE, 8, torch.Generator())


def test_hits_are_counted_in_order() -> None:
    labels = torch.arange(300) % 3
    guess = torch.nn.functional.one_hot(torch.zeros(300, dtype=torch.int64), 3).float()
    assert torch.equal(correct(lambda indices: guess[indices], labels), labels == 0)
    silent("nobody", 1, 2)


def test_memory_that_ran_out_is_told_from_other_faults() -> None:
    assert exhausted(MemoryError())
    assert exhausted(torch.OutOfMemoryError("CUDA out of memory."))
    assert exhausted(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert not exhausted(RuntimeError("shapes do not match"))
