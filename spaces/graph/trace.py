"""The backbone as a traced graph whose only data flow is tensors: what is searched for cuts, costed and parted."""

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import fx, nn

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.fold import BATCHES, fold
from splitsearch.spaces.graph.shapes import ShapeInterpreter
from splitsearch.spaces.graph.tracer import symbolic

__all__ = ["TracedGraph", "is_tensor", "node_paths", "trace"]

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: tables hang on a graph by weak reference
class TracedGraph:
    """A traced network at one image size.

    Attributes:
        module: the folded graph; runs any batch size, shares its parameters with the traced network.
        image_size: side of the input in pixels.
        shapes: node name to output shape without the batch dimension; nodes that yield no single float tensor, or one
            whose first dimension is not the batch, are absent.
        shares: the same for every float tensor: the shape of what belongs to one image, such as (64, 49, 96) for 64
            windows that were folded into the batch.
        paths: node name to a readable, unique path such as `layer3.0.relu_2`.
        opaque: path of a module that could not be traced, and was kept whole, to the place and the reason.
    """

    module: fx.GraphModule
    image_size: int
    shapes: dict[str, Shape]
    shares: dict[str, Shape]
    paths: dict[str, str]
    opaque: dict[str, str]

    @property
    def input(self) -> fx.Node:
        """The one placeholder."""
        return cast("fx.Node", next(node for node in self.module.graph.nodes if node.op == "placeholder"))

    @property
    def output(self) -> fx.Node:
        """The node whose tensor the network returns."""
        result = next(node for node in self.module.graph.nodes if node.op == "output").args[0]
        return cast("fx.Node", result)

    def __iter__(self) -> Iterator[fx.Node]:
        return iter(self.module.graph.nodes)


def trace(module: nn.Module, image_size: int) -> TracedGraph:
    """Traces a classifier in evaluation mode.

    Args:
        module: takes float images of shape (N, 3, S, S), returns logits of shape (N, K).
        image_size: S in pixels.

    Raises:
        UserError: the network cannot be traced, does not take images of this size, or returns no logits.
    """
    graph_module, opaque = symbolic(module.eval())
    first, second = _record(graph_module, image_size)
    fold(graph_module, first, second)
    alive = [node.name for node in graph_module.graph.nodes]
    found = {name: _per_image(first.get(name), second.get(name)) for name in alive}
    traced = TracedGraph(
        module=graph_module,
        image_size=image_size,
        shapes={name: value[0] for name, value in found.items() if value and value[1]},
        shares={name: value[0] for name, value in found.items() if value},
        paths=node_paths(graph_module.graph),
        opaque=opaque,
    )
    if not isinstance(traced.output, fx.Node) or len(traced.shapes.get(traced.output.name, ())) != 1:
        raise UserError("the backbone must return one tensor of logits with shape (N, classes)")
    return traced


def is_tensor(value: object) -> bool:
    """Whether a recorded value is one tensor."""
    return isinstance(value, torch.Tensor)


class _Recorder(ShapeInterpreter):
    """Runs the graph and keeps what every node returned."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.values: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.values[n.name] = value
        return value


def _record(graph_module: fx.GraphModule, image_size: int) -> list[dict[str, Any]]:
    """What every node returned for each of the batches; shapes alone where possible, else values.

    The meta device computes shapes without arithmetic, in a fraction of a second; only code that asks tensors for their
    values fails there, and then real images are run through real weights.
    """
    try:
        return _runs(_without_values(graph_module), image_size, "meta")
    except Exception as error:
        failure = error
    weights = next(graph_module.parameters(), None)
    if weights is not None and not weights.is_meta:
        try:
            return _runs(graph_module, image_size, str(weights.device))
        except Exception as error:
            failure = error
    reason = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
    raise UserError(f"the backbone does not take images of {image_size} x {image_size} pixels: {reason}") from failure


def _without_values(graph_module: fx.GraphModule) -> fx.GraphModule:
    """A copy on the meta device that never holds a second set of weights; the graph itself if it is there already."""
    weights = [*graph_module.parameters(), *graph_module.buffers()]
    if weights and all(weight.is_meta for weight in weights):
        return graph_module
    stand_ins: dict[int, Any] = {
        id(weight): nn.Parameter(torch.empty_like(weight, device="meta"), requires_grad=False)
        for weight in graph_module.parameters()
    }
    return copy.deepcopy(graph_module, stand_ins).to("meta")


def _runs(graph_module: fx.GraphModule, image_size: int, device: str) -> list[dict[str, Any]]:
    found = []
    with torch.no_grad():
        for batch in BATCHES:
            recorder = _Recorder(graph_module)
            recorder.run(torch.zeros(batch, 3, image_size, image_size, device=device))
            found.append(recorder.values)
    return found


def _per_image(a: object, b: object) -> tuple[Shape, bool] | None:
    """Shape of one image's share of a tensor, and whether the batch is its own first dimension.

    None for what is no float tensor, or does not grow with the batch.
    """
    if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)) or not a.is_floating_point():
        return None
    grown = [k for k, (p, q) in enumerate(zip(a.shape, b.shape, strict=False)) if p != q]
    if len(grown) != 1 or a.dim() != b.dim() or a.shape[grown[0]] * BATCHES[1] != b.shape[grown[0]] * BATCHES[0]:
        return None
    share, at = a.shape[grown[0]] // BATCHES[0], grown[0]
    middle = () if share == 1 else (share,)
    return (*a.shape[:at], *middle, *a.shape[at + 1 :]), at == 0 and share == 1


def node_paths(graph: fx.Graph) -> dict[str, str]:
    """Names every node after the module it lives in: `layer1.0.conv1`, `layer1.0.add`, `layer1.0.relu_2`."""
    seen: Counter[str] = Counter()
    paths = {}
    for node in graph.nodes:
        path = _path(node)
        count = seen[path]
        seen[path] += 1
        paths[node.name] = f"{path}_{count}" if count else path
    return paths


def _path(node: fx.Node) -> str:
    if node.op == "call_module":
        return str(node.target)
    stack = list(node.meta.get("nn_module_stack", {}).values())
    place = stack[-1][0] if stack else ""
    target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", node.name)
    base = {"iadd": "add", "add_": "add"}.get(target, target).strip("_")
    return f"{place}.{base}" if place else base
