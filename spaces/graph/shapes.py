"""Runs a graph for its shapes: what cannot change a shape is passed over, where no values are at stake.

On the meta device a batch norm takes longer than a convolution, because it is decomposed in Python; deep networks have
hundreds of them, and every variant of a candidate is run a few times.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import fx, nn
from torch.overrides import TorchFunctionMode

__all__ = ["ShapeInterpreter", "shapes_only"]

_KEEP_SHAPE = (
    nn.BatchNorm2d,
    nn.LayerNorm,
    nn.Identity,
    nn.Dropout,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.GELU,
    nn.Sigmoid,
    nn.Hardswish,
    nn.Hardsigmoid,
)


class ShapeInterpreter(fx.Interpreter):
    """An interpreter for tensors without values."""

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls a module unless its result has the shape of its input."""
        module = self.fetch_attr(target)
        if isinstance(module, _KEEP_SHAPE) and len(args) == 1 and not kwargs and getattr(args[0], "is_meta", False):
            if isinstance(module, nn.BatchNorm2d) and args[0].shape[1] != module.num_features:
                raise RuntimeError(f"{target} norms {module.num_features} channels and gets {args[0].shape[1]}")
            return args[0]
        return super().call_module(target, args, kwargs)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Inside the block, norms of tensors without values are passed over wherever they are called.

    For networks that run as modules and not as graphs. What autograd records of a norm is one step, as ever.
    """
    with _CheapNorms():
        yield


class _CheapNorms(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is nn.functional.batch_norm and args[0].is_meta:
            mean = args[1] if len(args) > 1 else (kwargs or {}).get("running_mean")
            if mean is not None and args[0].shape[1] != mean.numel():
                raise RuntimeError(f"a norm of {mean.numel()} channels gets {args[0].shape[1]}")
            # A clone and not the tensor itself: who reads the tape looks for a step of the norm's own.
            return args[0].clone()
        return func(*args, **(kwargs or {}))
