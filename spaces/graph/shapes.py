"""Runs a graph for its shapes: what cannot change a shape is passed over, where no values are at stake.

On the meta device a batch norm takes longer than a convolution, because it is decomposed in Python; deep networks have
hundreds of them, and every variant of a candidate is run a few times.
"""

from typing import Any

from torch import fx, nn

__all__ = ["ShapeInterpreter"]

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
