"""Operators of an eager network timed where they run: alone they would find other caches and another allocator.

The graph is run node by node as it is; only the call itself is timed, with the thread's own processor time, and what
the clock costs is taken off. The network must compute on one thread of the processor.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import fx

from splitsearch.profilers.devices.measured import MeasuredKernel
from splitsearch.profilers.heap import ShiftingHeap
from splitsearch.profilers.predict.describe import operators_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.timing import processor_ns

__all__ = ["eager_kernels"]

_WARMUP, _TIMED = 2, 2  # runs at each layout of the heap
_CLOCK_READS = 1000


def eager_kernels(
    graph_module: fx.GraphModule, input_shape: tuple[int, ...], *, runs: int = 20, where: str
) -> list[MeasuredKernel]:
    """Times every operator of a network inside the network.

    Args:
        graph_module: in evaluation mode, with values, on the processor.
        input_shape: without the batch dimension.
        runs: timed runs at least, two at each layout of the heap, after two that are not.
        where: what the network is called.

    Returns:
        One entry per operator that launches something, in order of execution; `ms` is the median.
    """
    stamps, heap = _Stamps(graph_module), ShiftingHeap()
    image = torch.randn(1, *input_shape, generator=torch.Generator().manual_seed(0))
    layouts = -(-runs // _TIMED)
    with torch.no_grad():
        for _ in range(layouts):
            heap.shift()
            for _ in range(_WARMUP + _TIMED):
                stamps.run(image)
    cost = _clock_cost()
    kernels = []
    for operator in operators_of(graph_module, input_shape):
        taken = np.asarray(stamps.samples[operator.node]).reshape(layouts, _WARMUP + _TIMED)
        samples = taken[:, _WARMUP:] - cost
        fields = {name: getattr(operator.kernel, name) for name in Kernel.__dataclass_fields__}
        ms = max(0.0, float(np.median(samples)) / 1e6)
        kernels.append(MeasuredKernel(**fields, ms=ms, n=samples.size, where=where))
    return kernels


class _Stamps(fx.Interpreter):
    """Runs a graph and notes how long each call took."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.samples: dict[str, list[int]] = {}

    def run_node(self, n: fx.Node) -> Any:
        if not n.op.startswith("call_"):
            return super().run_node(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        call = self._call(n, args)
        start = processor_ns()
        result = call(*args, **kwargs)
        self.samples.setdefault(n.name, []).append(processor_ns() - start)
        return result

    def _call(self, node: fx.Node, args: Sequence[Any]) -> Any:
        if node.op == "call_module":
            return self.fetch_attr(str(node.target))
        return getattr(type(args[0]), str(node.target)) if node.op == "call_method" else node.target


def _clock_cost() -> float:
    """Nanoseconds between two readings with nothing between them."""
    differences = []
    for _ in range(_CLOCK_READS):
        start = processor_ns()
        differences.append(processor_ns() - start)
    return float(np.median(differences))
