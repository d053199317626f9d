"""Where trainings compute and in which precision: a processor, or a GPU to which copies of what is needed are brought.

Candidates are assembled on the processor and share the teacher's parameters. What computes elsewhere is a copy, so that
the next candidate finds the teacher where it was.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import nn

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.model import SplitModel, Stage

__all__ = ["CPU", "Placement", "brought", "device_of", "device_with", "half_precision", "placed", "visiting"]

CPU = torch.device("cpu")

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and how a search trains.

    Attributes:
        device: where everything is computed.
        precision: what convolutions run in, bfloat16 or float16; None for float32.
    """

    device: torch.device = CPU
    precision: torch.dtype | None = None

    @classmethod
    def of(cls, device: str | None, amp: bool | None) -> "Placement":
        """From what the user said.

        Args:
            device: see `device_of`.
            amp: whether to train in half precision; None does so on GPUs.

        Raises:
            UserError: there is no such device.
        """
        found = device_of(device)
        halved = found.type == "cuda" if amp is None else amp
        return cls(device=found, precision=half_precision(found) if halved else None)

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else ""
        precision = str(self.precision or torch.float32).removeprefix("torch.")
        return f"{self.device}{f' ({name})' if name else ''} in {precision}"


def device_of(name: str | None, place: int = 0) -> torch.device:
    """Where to compute.

    Args:
        name: as the user gave it, such as `cpu` or `cuda:1`; None takes a GPU where there is one.
        place: number of this process on its machine, which takes the GPU of that number where none is named.

    Raises:
        UserError: there is no such device here.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"--device must be cpu, cuda or cuda:N, not '{name}'") from error
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"--device must be cpu, cuda or cuda:N, not '{name}'")
    if device.type == "cpu":
        return CPU
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    chosen = place if device.index is None else device.index
    if chosen >= count:
        raise UserError(f"--device {name}: GPU {chosen} is asked for and this machine has {count}; take --device cpu")
    return torch.device("cuda", chosen)


def half_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device has it, which every processor does after a fashion; else float16."""
    return torch.float16 if device.type == "cuda" and not torch.cuda.is_bf16_supported() else torch.bfloat16


def device_with(module: nn.Module) -> torch.device:
    """Where a module's parameters are."""
    first = next(module.parameters(), None)
    return CPU if first is None else first.device


def brought(module: Module, device: torch.device) -> Module:
    """The module itself if it is there, else a copy on the device."""
    return module if device_with(module) == device else copy.deepcopy(module).to(device)


def placed(model: SplitModel, device: torch.device) -> SplitModel:
    """The same candidate on a device: itself on the processor, a copy of every stage elsewhere."""
    if device.type == "cpu":
        return model
    memo: dict[int, object] = {}  # two stages of one head stay on the same parameters

    def there(stage: Stage) -> Stage:
        module = copy.deepcopy(stage.module, memo).to(device)
        return replace(stage, build=lambda: module)

    aside = None if model.exit is None else replace(model.exit, stage=there(model.exit.stage))
    return replace(model, stages=tuple(map(there, model.stages)), exit=aside)


@contextmanager
def visiting(device: torch.device, *modules: nn.Module) -> Iterator[None]:
    """Modules are on the device while the context lasts, in place, and then on the processor again."""
    if device.type == "cpu":
        yield
        return
    try:
        for module in modules:
            module.to(device)
        yield
    finally:
        for module in modules:
            module.to(CPU)
