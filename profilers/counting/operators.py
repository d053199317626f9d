"""What every operator of a network costs: multiply-adds, parameters, and the elements that it moves.

The network runs on the meta device, where shapes cost nothing; a part whose code asks tensors for their values is run
with values. Each distinct operator is counted once in a process, so that thousands of candidates share one table. An
operator without a count says so: nothing is taken for free by its name alone, unless `counting` knows it to be.
"""

import operator
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_aggregate

from splitsearch.profilers.counting.calls import Call, counted_once, zeros_like
from splitsearch.profilers.counting.costs import Cost, Operator, OperatorCost, added, total, uncounted, unknown
from splitsearch.profilers.counting.macs import Counted, count_macs
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.shapes import ShapeInterpreter
from splitsearch.spaces.variants.variants import on_meta

__all__ = [
    "Cost",
    "CostInterpreter",
    "Operator",
    "OperatorCost",
    "added",
    "as_graph",
    "count_macs",
    "operator_costs",
    "operators",
    "total",
    "uncounted",
    "unknown",
]

_NOTHING = Counted(macs=0, uncounted={})
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


def operator_costs(module: nn.Module, input_shape: tuple[int, ...]) -> dict[str, OperatorCost]:
    """Costs every operator of a traceable module for one image.

    Args:
        module: in evaluation mode; traced unless it is a graph already.
        input_shape: without the batch dimension.

    Returns:
        Node name to cost, in order of execution; views and bookkeeping are left out.

    Raises:
        UserError: a part of it fails on an image, also with values.
    """
    return _counted(module, input_shape).costs


def operators(module: nn.Module, input_shape: tuple[int, ...]) -> tuple[Operator, ...]:
    """The same table with kinds, shapes, and what was not counted."""
    return tuple(_counted(module, input_shape).table)


def _counted(module: nn.Module, input_shape: tuple[int, ...]) -> "CostInterpreter":
    counter = CostInterpreter(as_graph(module), values=module)
    with torch.no_grad():
        counter.run(torch.empty(1, *input_shape, device="meta"))
    return counter


def as_graph(module: nn.Module) -> fx.GraphModule:
    """A module on the meta device, as a graph: itself if it is one, else traced."""
    shapes = on_meta(module)
    return shapes if isinstance(shapes, fx.GraphModule) else fx.symbolic_trace(shapes)


class CostInterpreter(ShapeInterpreter):
    """Runs one image and costs each node, once per distinct operator and shapes.

    Args:
        module: on the meta device.
        values: the same network with values, for parts whose code asks for them; such parts get zeros without it.

    Attributes:
        costs: node name to cost, in order of execution; views and bookkeeping are left out.
        table: the same with more to see.
    """

    def __init__(self, module: fx.GraphModule, values: nn.Module | None = None) -> None:
        super().__init__(module)
        self.costs: dict[str, OperatorCost] = {}
        self.table: list[Operator] = []
        self._values = values if values is not None and not _is_meta(values) else None

    def run_node(self, n: fx.Node) -> Any:
        """Runs a node and costs it."""
        try:
            result = super().run_node(n)
        except Exception as error:
            result = self._with_values(n, error)
        # Attention returns (output, weights or None): the first tensor is the one that flows on.
        main = result[0] if isinstance(result, tuple) and result else result
        if isinstance(main, torch.Tensor) and n.op.startswith("call_") and not self._is_free(n):
            self._add(n, main)
        return result

    def _with_values(self, node: fx.Node, error: Exception) -> Any:
        """A part that asks tensors for their values cannot run without: it gets a black image and real weights."""
        if not node.op.startswith("call_"):
            raise error
        args, kwargs = map_aggregate(self.fetch_args_kwargs_from_env(node), zeros_like)
        try:
            result = self._call(node).function()(*args, **kwargs)
        except Exception as second:
            reason = (str(second).strip().splitlines() or [type(second).__name__])[0]
            raise UserError(f"'{node.target}' cannot be costed: it fails on a black image ({reason})") from second
        return map_aggregate(result, lambda value: value.to("meta") if isinstance(value, torch.Tensor) else value)

    def _call(self, node: fx.Node) -> Call:
        if node.op != "call_module":
            return Call(target=node.target, module=None, values=None)
        path = str(node.target)
        values = self._values.get_submodule(path) if self._values is not None else None
        return Call(target=path, module=self.fetch_attr(path), values=values)

    def _is_free(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return isinstance(self.fetch_attr(str(node.target)), _FREE_MODULES)
        return node.target in (_FREE_METHODS if node.op == "call_method" else _FREE_FUNCTIONS)

    def _add(self, node: fx.Node, result: torch.Tensor) -> None:
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        direct = _direct((*args, *kwargs.values()))
        weights = [tensor for tensor in direct if isinstance(tensor, nn.Parameter)]
        read = [tensor for tensor in direct if not isinstance(tensor, nn.Parameter)]
        if node.op == "call_module":
            weights += self.fetch_attr(str(node.target)).parameters()
        call, counted = self._call(node), _NOTHING
        if not call.known_free:
            counted = counted_once(call, args, kwargs)
        self.costs[node.name] = OperatorCost(
            macs=counted.macs,
            parameters=sum(weight.numel() for weight in weights),
            inputs=sum(tensor.numel() for tensor in read),
            outputs=result.numel(),
        )
        self.table.append(
            Operator(
                name=node.name,
                kind=call.kind,
                input_shapes=tuple(tuple(tensor.shape) for tensor in read),
                output_shape=tuple(result.shape),
                cost=self.costs[node.name],
                uncounted={call.kind: 1} if call.known_free else counted.uncounted,
            )
        )

    def _kind(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return type(self.fetch_attr(str(node.target))).__name__
        return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def _is_meta(module: nn.Module) -> bool:
    return any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers()))


def _direct(args: tuple[Any, ...]) -> list[torch.Tensor]:
    return [value for value in args if isinstance(value, torch.Tensor)]
