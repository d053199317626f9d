"""One training in several processes: who this one is, which images of a batch are its own, and what all agree on.

`torchrun` starts the processes and tells each by environment variables who it is; torch.distributed connects them, by
NCCL where they compute on GPUs and by Gloo elsewhere. Without `torchrun` there is one process and nothing to connect.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn

from splitsearch.profilers.timing import time_limit
from splitsearch.searcher.training.placement import CPU, device_of

__all__ = ["ALONE", "ElsewhereError", "Processes", "joined"]

_PATIENCE_S = 24 * 3600.0  # the others wait while the first process trains a teacher

Result = TypeVar("Result")


class ElsewhereError(Exception):
    """Another process says why all of them end: this one ends without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process among those of one training.

    Attributes:
        rank: number of this one, from 0.
        count: of all.
        device: where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def share(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of a batch that are this process's own: every `count`-th, as DistributedSampler deals them."""
        return indices if self.count == 1 else indices[self.rank :: self.count]

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums over all processes, the same in each; every process has to ask."""
        if self.count == 1:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return [float(value) for value in summed.tolist()]

    def unify(self, module: nn.Module) -> None:
        """Gives a module the first process's numbers: running statistics differ, since each saw images of its own."""
        if self.count > 1:
            for tensor in (*module.parameters(), *module.buffers()):
                distributed.broadcast(tensor.detach(), 0)

    def require_first(self) -> None:
        """Before a message that all processes have to give: one of them gives it.

        Raises:
            ElsewhereError: this is another one.
        """
        if not self.is_first:
            raise ElsewhereError

    def first_then_rest(self, work: Callable[[], Result]) -> Result:
        """Does the same work in every process, the first alone before the others: they find what it cached.

        None goes on before all are done, so that what one of them then writes disturbs no other's work.

        Raises:
            ElsewhereError: another process failed, and says why itself.
        """
        if self.count == 1:
            return work()
        if not self.is_first:
            self._require_none_failed()
            return self._reported(work)
        found = self._reported(work)
        self._require_none_failed()
        return found

    def _reported(self, work: Callable[[], Result]) -> Result:
        """Work of which the others hear whether it failed."""
        try:
            found = work()
        except BaseException:
            self.total([1.0])
            raise
        self._require_none_failed()
        return found

    def _require_none_failed(self) -> None:
        if self.total([0.0])[0]:
            raise ElsewhereError


ALONE = Processes()


@contextmanager
def joined(device: str | None = None) -> Iterator[Processes]:
    """Joins the processes that `torchrun` started, for as long as the context lasts; alone without it.

    Args:
        device: see `device_of`.

    Raises:
        UserError: there is no such device.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    place = int(os.environ.get("LOCAL_RANK", "0")) if count > 1 else 0
    own = device_of(device, place)
    if count == 1:
        yield Processes(device=own)
        return
    if own.type == "cuda":
        torch.cuda.set_device(own)
    backend = "nccl" if own.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=time_limit(_PATIENCE_S))
    try:
        yield Processes(rank=distributed.get_rank(), count=count, device=own)
    finally:
        distributed.destroy_process_group()
