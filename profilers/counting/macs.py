"""Multiply-adds of one call, counted by fvcore, and the operators that it leaves out, which are never passed over.

One multiply-add is one MAC (FLOPs = 2 x MACs); fvcore's "flop" is a MAC. Only what multiplies and adds is counted here
(convolution, linear, matrix products, attention), the convention of torchvision's published figures; fvcore's own view
counts norms and pooling too, and that view is a choice.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from splitsearch.profilers.counting.quiet import quiet

with quiet():  # fvcore compiles a function while it is imported, in a way that torch has deprecated
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import einsum_flop_jit, get_shape

__all__ = ["Counted", "FvcoreRow", "FvcoreView", "count", "count_macs", "fvcore_view", "is_free"]

_NORMS_AND_POOLS = (
    "batch_norm",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "adaptive_avg_pool2d",
    "native_layer_norm",
)
_ACTIVATIONS = (
    "dropout", "elu", "feature_dropout", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "log_softmax", "mish", "native_dropout", "prelu", "relu", "relu6", "sigmoid", "silu", "softmax", "softplus",
    "stochastic_depth", "tanh",
)  # fmt: skip
_ARITHMETIC = (
    "abs", "add", "amax", "amin", "clamp", "clamp_min", "div", "eq", "exp", "fill", "floordiv", "iadd", "imul",
    "isub", "linalg_vector_norm", "log", "max", "maximum", "mean", "min", "minimum", "mul", "ne", "neg", "norm",
    "normalize", "pow", "rsqrt", "rsub", "sqrt", "sub", "sum", "truediv", "where", "zero",
)  # fmt: skip
_POOLS = (
    "adaptive_max_pool2d", "avg_pool2d", "local_response_norm", "lp_pool2d", "max_pool2d",
    "max_pool2d_with_indices", "rms_norm",
)  # fmt: skip
_MOVES = (
    "cat", "channel_shuffle", "clone", "concat", "expand_as", "float", "interpolate", "masked_fill", "movedim",
    "numel", "pad", "pixel_shuffle", "repeat", "repeat_interleave", "roll", "stack", "swapaxes", "to", "type_as",
    "upsample_bicubic2d", "upsample_bilinear2d", "upsample_nearest2d",
)  # fmt: skip
_FREE = frozenset((*_NORMS_AND_POOLS, *_ACTIVATIONS, *_ARITHMETIC, *_POOLS, *_MOVES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One call.

    Attributes:
        macs: multiply-adds.
        uncounted: operator, as torch names it, to how often it ran without being counted.
    """

    macs: int
    uncounted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FvcoreRow:
    """What fvcore counts for one operator in one module.

    Attributes:
        module: path of the innermost module.
        operator: as fvcore calls it.
        macs: fvcore's "flops": multiply-adds, and for norms and pooling the operations that it assigns to them.
    """

    module: str
    operator: str
    macs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FvcoreView:
    """A network as fvcore sees it.

    Attributes:
        rows: in the order of the modules.
        unsupported: operators that fvcore has no rule for, to how often they ran; some, such as ReLU, it leaves out of
            this list by its own convention.
    """

    rows: tuple[FvcoreRow, ...]
    unsupported: Mapping[str, int]


def is_free(operator: str) -> bool:
    """Whether an operator, in place (`aten::add_`) or not, is known to have no multiply-adds by the convention."""
    return operator.removeprefix("aten::").strip("_") in _FREE


def count_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiply-adds of one call."""
    return count(module, *inputs).macs


def count(module: nn.Module, *inputs: torch.Tensor) -> Counted:
    """Counts one call, with values: on the meta device fvcore cannot follow checks of shapes."""
    free: Counter[str] = Counter()
    with quiet():
        analysis = _analysis(module, inputs)
        for name in _NORMS_AND_POOLS:
            analysis.set_op_handle(f"aten::{name}", _Free(free, name))
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention)
        analysis.set_op_handle("aten::einsum", _einsum)
        macs = int(analysis.total())
        return Counted(macs=macs, uncounted=dict(free + Counter(analysis.unsupported_ops())))


def fvcore_view(module: nn.Module, *inputs: torch.Tensor) -> FvcoreView:
    """Fvcore's own table, by its own conventions, except that attention in one call is opened as matrix products."""
    with quiet():
        analysis = _analysis(module, inputs)
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention)
        below = {path: set(_children(path, inner)) for path, inner in module.named_modules()}
        found = {path: Counter(counts) for path, counts in analysis.by_module_and_operator().items()}
        rows = [
            FvcoreRow(module=path or "(itself)", operator=operator, macs=int(macs))
            for path, counts in found.items()
            for operator, macs in (counts - sum((found[child] for child in below.get(path, ())), Counter())).items()
        ]
        return FvcoreView(rows=tuple(rows), unsupported=dict(analysis.unsupported_ops()))


def _analysis(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> FlopCountAnalysis:
    detached = tuple(tensor.detach() for tensor in inputs)
    return FlopCountAnalysis(module, detached).unsupported_ops_warnings(False).uncalled_modules_warnings(False)


def _children(path: str, module: nn.Module) -> list[str]:
    return [f"{path}.{name}" if path else name for name, _ in module.named_children()]


class _Free:
    """A rule for what is left out on purpose: it says that it was."""

    def __init__(self, seen: Counter[str], name: str) -> None:
        self.seen, self.name = seen, name

    def __call__(self, inputs: list[Any], outputs: list[Any]) -> int:
        self.seen[f"aten::{self.name}"] += 1
        return 0


def _attention(inputs: list[Any], outputs: list[Any]) -> int:
    """Two matrix products: queries with keys, weights with values."""
    *batch, queries, width = get_shape(inputs[0])
    keys, value_width = get_shape(inputs[1])[-2], get_shape(inputs[2])[-1]
    return int(math.prod(batch) * queries * keys * (width + value_width))


def _einsum(inputs: list[Any], outputs: list[Any]) -> Any:
    """One multiply-add for every combination of indices; fvcore reads four digits from a text that numpy prints."""
    left = str(inputs[0].toIValue()).replace(" ", "").partition("->")[0].split(",")
    shapes = [get_shape(operand) for operand in inputs[1].node().inputs()]
    if len(left) != 2 or "." in "".join(left):
        return einsum_flop_jit(inputs, outputs)
    sizes: dict[str, int] = {}
    for term, shape in zip(left, shapes, strict=True):
        sizes |= dict(zip(term, shape, strict=True))
    return math.prod(sizes.values())
