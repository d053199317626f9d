"""One call of a graph, counted once in a process: thousands of candidates share the operators that they are made of."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.fx.node import map_aggregate

from splitsearch.profilers.counting.macs import Counted, count, is_free

__all__ = ["Call", "counted_once", "zeros_like"]

_COUNTED: dict[tuple[str, str], Counted] = {}
"""Counts by call and shapes, for the life of the process."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """What a node of a graph calls.

    Attributes:
        target: a function, the name of a method of the first argument, or the path of a module.
        module: that module, on the meta device; None for functions and methods.
        values: the same module with its weights, where there are any.
    """

    target: Any
    module: nn.Module | None
    values: nn.Module | None

    @property
    def kind(self) -> str:
        """Class of the module, or name of the function or method."""
        if self.module is not None:
            return type(self.module).__name__
        return self.target if isinstance(self.target, str) else getattr(self.target, "__name__", str(self.target))

    @property
    def known_free(self) -> bool:
        """Whether it is known to have no multiply-adds, so that nobody needs to look."""
        if self.module is None:
            return is_free(self.kind)
        return self._is_torch and not any(parameter.dim() > 1 for parameter in self.module.parameters())

    @property
    def identity(self) -> str | None:
        """What two calls have in common that cost the same at equal shapes; None for code that nobody knows."""
        if self.module is None:
            return f"{getattr(self.target, '__module__', 'method')}.{self.kind}"
        plain = {k: v for k, v in vars(self.module).items() if isinstance(v, bool | int | float | str)}
        return f"{self.module!r} {plain}" if self._is_torch else None

    def function(self) -> Callable[..., Any]:
        """What can be called with values; weights are zeros unless they are known and the module's code is its own."""
        if self.module is not None:
            own = self.values is not None and not self._is_torch
            return self.values if own and self.values is not None else _materialised(self.module)
        if isinstance(self.target, str):
            method = self.target
            return lambda first, *rest, **named: getattr(first, method)(*rest, **named)
        target: Callable[..., Any] = self.target
        return target

    @property
    def _is_torch(self) -> bool:
        """Whether PyTorch wrote it, so that its description says all that decides its costs."""
        return type(self.module).__module__.startswith("torch.nn.")


def counted_once(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Counted:
    """Counts a call with these arguments; what nothing can be said of counts as uncounted."""
    identity = call.identity
    key = None if identity is None else (identity, repr(map_aggregate((args, kwargs), _shape)))
    if key is not None and key in _COUNTED:
        return _COUNTED[key]
    tensors: list[torch.Tensor] = []
    map_aggregate((args, kwargs), lambda a: tensors.append(zeros_like(a)) if isinstance(a, torch.Tensor) else None)
    try:
        found = count(_OfTensors(call.function(), args, kwargs), *tensors)
    except Exception:  # fvcore cannot follow it
        found = Counted(macs=0, uncounted={call.kind: 1})
    if key is not None:
        _COUNTED[key] = found
    return found


def zeros_like(value: Any) -> Any:
    """A tensor of zeros in place of one without values; all else as it is."""
    return torch.zeros(value.shape, dtype=value.dtype) if isinstance(value, torch.Tensor) else value


def _materialised(module: nn.Module) -> nn.Module:
    """Fvcore traces real calls: one operator at a time is given memory, filled with zeros."""
    real = copy.deepcopy(module).to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*real.parameters(), *real.buffers()):
            tensor.zero_()
    return real


def _shape(value: Any) -> Any:
    return (tuple(value.shape), str(value.dtype)) if isinstance(value, torch.Tensor) else value


class _OfTensors(nn.Module):
    """A call as a module of its tensor arguments alone, the form in which fvcore traces."""

    def __init__(self, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__()
        self.call, self.template = call, (args, kwargs)

    def forward(self, *tensors: torch.Tensor) -> Any:
        """Puts the tensors back in their places and calls."""
        waiting = iter(tensors)
        args, kwargs = map_aggregate(
            self.template, lambda value: next(waiting) if isinstance(value, torch.Tensor) else value
        )
        return self.call(*args, **kwargs)
