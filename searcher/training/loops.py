"""What every training here shares: seeded batches, one optimiser step, accuracy in large batches."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from splitsearch.spaces.errors import InfeasibleError

__all__ = ["Progress", "Schedule", "batches", "correct", "exhausted", "minimise", "silent"]

Progress = Callable[[str, int, int], None]
EVALUATION_BATCH = 128


def silent(text: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Shuffled indices of one epoch; a last batch of one image is dropped, since norm layers cannot train on it."""
    for chunk in torch.split(torch.randperm(count, generator=generator), size):
        if len(chunk) > 1 or count == 1:
            yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast something is trained.

    Attributes:
        epochs: passes over the images.
        batch_size: images in one step.
        learning_rate: the peak of the cycle.
        weight_decay: decoupled from the gradient.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0


def minimise(
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    parameters: Iterable[nn.Parameter],
    schedule: Schedule,
    count: int,
    generator: torch.Generator,
    after_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> None:
    """AdamW under a one-cycle schedule (Smith and Topin, 2018), which gets far in few epochs.

    Args:
        loss_of: indices of a batch to its mean loss.
        parameters: what is trained.
        schedule: how long and how fast.
        count: images in one epoch.
        generator: decides the order.
        after_epoch: hears the epoch, from 1, and its mean loss.

    Raises:
        InfeasibleError: the loss is no number any more.
    """
    trained = list(parameters)
    optimiser = torch.optim.AdamW(trained, schedule.learning_rate, weight_decay=schedule.weight_decay)
    steps = schedule.epochs * len(list(batches(count, schedule.batch_size, torch.Generator())))
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.learning_rate, max(2, steps), pct_start=0.3)
    for epoch in range(1, schedule.epochs + 1):
        losses = []
        for indices in batches(count, schedule.batch_size, generator):
            loss = loss_of(indices)
            if not torch.isfinite(loss):
                raise InfeasibleError(f"the training diverged: loss {loss.item()} in epoch {epoch}")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
            cycle.step()
            losses.append(loss.item())
        after_epoch(epoch, sum(losses) / len(losses))


@torch.no_grad()
def correct(logits_of: Callable[[torch.Tensor], torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
    """Whether each image is classified rightly, (N,) bool; `logits_of` maps indices to logits."""
    chunks = torch.split(torch.arange(len(labels)), EVALUATION_BATCH)
    return torch.cat([logits_of(chunk).argmax(1).cpu() == labels[chunk] for chunk in chunks])


def exhausted(error: BaseException) -> bool:
    """Whether memory ran out: torch says so in words on the CPU."""
    text = str(error).lower()
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "out of memory" in text or "allocate memory" in text
