"""What every operator of a network costs: multiply-adds, parameters, and the elements that it moves.

One multiply-add is one MAC (FLOPs = 2 x MACs). fvcore counts; its "flop" is a MAC. Only what multiplies and adds is
counted (convolution, linear, matrix products, attention), the convention of torchvision's published figures; fvcore's
extra counts for norms and pooling are set to zero. The network runs on the meta device, where shapes cost nothing; each
distinct operator is counted once in a process, so that thousands of candidates share one table.
"""

import copy
import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from splitsearch.profilers.quiet import quiet
from splitsearch.spaces.graph.shapes import ShapeInterpreter
from splitsearch.spaces.variants.variants import on_meta

with quiet():  # fvcore compiles a function while it is imported, in a way that torch has deprecated
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import get_shape

__all__ = ["Cost", "CostInterpreter", "OperatorCost", "added", "as_graph", "count_macs", "operator_costs", "total"]

_FREE_MODULES = (nn.Identity, nn.Dropout, nn.Flatten)
# Views and bookkeeping: no kernel is launched for them.
_FREE_FUNCTIONS: tuple[Any, ...] = (
    getattr,
    operator.getitem,
    torch.flatten,
    torch.permute,
    torch.transpose,
    torch.reshape,
    torch.unsqueeze,
    torch.squeeze,
    torch.chunk,
    torch.nn.functional.dropout,
)
_FREE_METHODS = frozenset(
    {
        "view",
        "reshape",
        "flatten",
        "permute",
        "transpose",
        "contiguous",
        "size",
        "dim",
        "unsqueeze",
        "squeeze",
        "chunk",
        "expand",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCost:
    """One operator on one image.

    Attributes:
        macs: multiply-adds.
        parameters: numbers read from the weights.
        inputs: elements read.
        outputs: elements written.
    """

    macs: int
    parameters: int
    inputs: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A sum over operators.

    Attributes:
        macs: multiply-adds for one image.
        parameters: of all operators; a weight used twice counts once per use.
        operators: how many kernels are launched.
        peak_elements: the most elements that one operator reads and writes: a lower bound of the activation memory.
    """

    macs: int
    parameters: int
    operators: int
    peak_elements: int


def added(costs: Iterable[Cost]) -> Cost:
    """Sums sums."""
    parts = tuple(costs)
    return Cost(
        macs=sum(cost.macs for cost in parts),
        parameters=sum(cost.parameters for cost in parts),
        operators=sum(cost.operators for cost in parts),
        peak_elements=max((cost.peak_elements for cost in parts), default=0),
    )


def total(costs: Iterable[OperatorCost]) -> Cost:
    """Sums operators."""
    table = tuple(costs)
    return Cost(
        macs=sum(cost.macs for cost in table),
        parameters=sum(cost.parameters for cost in table),
        operators=len(table),
        peak_elements=max((cost.inputs + cost.outputs for cost in table), default=0),
    )


def operator_costs(module: nn.Module, input_shape: tuple[int, ...]) -> dict[str, OperatorCost]:
    """Costs every operator of a traceable module for one image.

    Args:
        module: in evaluation mode; traced unless it is a graph already.
        input_shape: without the batch dimension.

    Returns:
        Node name to cost, in order of execution; views and bookkeeping are left out.
    """
    counter = CostInterpreter(as_graph(module))
    with torch.no_grad():
        counter.run(torch.empty(1, *input_shape, device="meta"))
    return counter.costs


def as_graph(module: nn.Module) -> fx.GraphModule:
    """A module on the meta device, as a graph: itself if it is one, else traced."""
    shapes = on_meta(module)
    return shapes if isinstance(shapes, fx.GraphModule) else fx.symbolic_trace(shapes)


def count_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiply-adds of one call, counted by fvcore."""
    detached = tuple(tensor.detach() for tensor in inputs)
    with quiet():
        analysis = FlopCountAnalysis(module, detached).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        for name in (
            "batch_norm",
            "layer_norm",
            "group_norm",
            "instance_norm",
            "adaptive_avg_pool2d",
            "native_layer_norm",
        ):
            analysis.set_op_handle(f"aten::{name}", _nothing)
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention)
        return int(analysis.total())


def _nothing(inputs: list[Any], outputs: list[Any]) -> int:
    return 0


def _attention(inputs: list[Any], outputs: list[Any]) -> int:
    """Two matrix products: queries with keys, weights with values."""
    *batch, queries, width = get_shape(inputs[0])
    keys, value_width = get_shape(inputs[1])[-2], get_shape(inputs[2])[-1]
    return int(math.prod(batch) * queries * keys * (width + value_width))


class CostInterpreter(ShapeInterpreter):
    """Runs one image and costs each node once per distinct (operator, shapes).

    Attributes:
        costs: node name to cost, in order of execution; views and bookkeeping are left out.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.costs: dict[str, OperatorCost] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Runs one node and costs it."""
        result = super().run_node(n)
        # Attention returns (output, weights or None): the first tensor is the one that flows on.
        main = result[0] if isinstance(result, tuple) and result else result
        if isinstance(main, torch.Tensor) and n.op.startswith("call_") and not self._is_free(n):
            self.costs[n.name] = self._cost(n, main)
        return result

    def _is_free(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return isinstance(self.fetch_attr(str(node.target)), _FREE_MODULES)
        return node.target in (_FREE_METHODS if node.op == "call_method" else _FREE_FUNCTIONS)

    def _cost(self, node: fx.Node, result: torch.Tensor) -> OperatorCost:
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        tensors = _tensors((*args, *kwargs.values()))
        weights = [tensor for tensor in tensors if isinstance(tensor, nn.Parameter)]
        if node.op == "call_module":
            weights += self.fetch_attr(str(node.target)).parameters()
        return OperatorCost(
            macs=self._node_macs(node, args, kwargs),
            parameters=sum(weight.numel() for weight in weights),
            inputs=sum(tensor.numel() for tensor in tensors if not isinstance(tensor, nn.Parameter)),
            outputs=result.numel(),
        )

    def _node_macs(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        call, key = self._call(node)
        if call is None:
            return 0
        values = (*args, *kwargs.values())
        shapes = tuple(tuple(value.shape) if isinstance(value, torch.Tensor) else repr(value) for value in values)
        if (key, shapes) not in _COUNTED:
            real = _materialised(call) if isinstance(call, nn.Module) else call
            tensors = [torch.zeros(tensor.shape) for tensor in _tensors(values)]
            _COUNTED[key, shapes] = count_macs(_Call(real, args, kwargs), *tensors)
        return _COUNTED[key, shapes]

    def _call(self, node: fx.Node) -> tuple[Any, str]:
        """What to call, None if it cannot multiply, and what makes two calls with equal shapes equal."""
        if node.op == "call_module":
            module = self.fetch_attr(str(node.target))
            return (module if any(p.dim() > 1 for p in module.parameters()) else None), repr(module)
        if node.op == "call_method":
            method = str(node.target)
            call = (lambda *xs, **named: getattr(xs[0], method)(*xs[1:], **named)) if _may_multiply(method) else None
            return call, method
        name = getattr(node.target, "__name__", "")
        return (node.target if _may_multiply(name) else None), name


# Multiply-adds by operator and shapes, for the life of the process.
_COUNTED: dict[tuple[str, tuple[Any, ...]], int] = {}


def _materialised(module: nn.Module) -> nn.Module:
    """Fvcore traces real calls: one operator at a time is given memory, of no particular values."""
    return copy.deepcopy(module).to_empty(device="cpu")


def _may_multiply(name: str) -> bool:
    """Functions that fvcore may count; arithmetic, activations and views are known to be free of multiply-adds."""
    return any(part in name for part in ("matmul", "mm", "linear", "conv", "attention", "einsum"))


def _tensors(args: Iterable[Any]) -> list[torch.Tensor]:
    return [value for value in args if isinstance(value, torch.Tensor)]


class _Call(nn.Module):
    """One call as a module of its tensor arguments alone, the form in which fvcore traces."""

    def __init__(self, call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__()
        self.call, self.template, self.named = call, args, kwargs

    def forward(self, *tensors: torch.Tensor) -> Any:
        """Puts the tensors back in their places and calls."""
        waiting = iter(tensors)
        args = [next(waiting) if isinstance(value, torch.Tensor) else value for value in self.template]
        named = {k: next(waiting) if isinstance(value, torch.Tensor) else value for k, value in self.named.items()}
        return self.call(*args, **named)
