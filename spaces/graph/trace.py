"""The backbone as a traced graph whose only data flow is tensors.

Integers that a network reads off its shapes (`x.shape[0]`, `h * w`) would look like a second thing that crosses every
cut. They are folded: what does not depend on the batch becomes a constant, the batch size is read from whatever enters.
"""

import copy
import operator
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import fx, nn

from splitsearch.spaces.errors import UserError

__all__ = ["TracedGraph", "is_tensor", "node_paths", "trace"]

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TracedGraph:
    """A traced network at one image size.

    Attributes:
        module: the folded graph; runs any batch size, shares its parameters with the traced network.
        image_size: side of the input in pixels.
        shapes: node name to output shape without the batch dimension; nodes that yield no single tensor are absent.
        paths: node name to a readable, unique path such as `layer3.0.relu_2`.
    """

    module: fx.GraphModule
    image_size: int
    shapes: dict[str, Shape]
    paths: dict[str, str]

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
        UserError: the network cannot be traced, or does not take images of this size.
    """
    graph_module = _symbolic(module.eval())
    first, second = (_values(graph_module, batch, image_size) for batch in (2, 3))
    _fold(graph_module, first, second)
    shapes = {name: tuple(value.shape[1:]) for name, value in first.items() if is_tensor(value)}
    alive = {node.name for node in graph_module.graph.nodes}
    traced = TracedGraph(
        module=graph_module,
        image_size=image_size,
        shapes={name: shape for name, shape in shapes.items() if name in alive},
        paths=node_paths(graph_module.graph),
    )
    if not isinstance(traced.output, fx.Node) or len(traced.shapes.get(traced.output.name, ())) != 1:
        raise UserError("the backbone must return one tensor of logits with shape (N, classes)")
    return traced


def is_tensor(value: object) -> bool:
    """Whether a recorded value is one tensor."""
    return isinstance(value, torch.Tensor)


def _symbolic(module: nn.Module) -> fx.GraphModule:
    try:
        graph_module = fx.symbolic_trace(module)
    except Exception as error:  # fx lets anything out that the network's own Python raises on a proxy
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"the backbone {type(module).__name__} cannot be traced: {reason}; wrap the part whose Python depends on "
            "tensor values in a module of its own and call torch.fx.wrap on its function"
        ) from error
    for node in list(graph_module.graph.nodes):
        if node.op == "call_function" and node.target is torch._assert:
            graph_module.graph.erase_node(node)
    graph_module.graph.eliminate_dead_code()
    graph_module.recompile()
    return graph_module


class _Recorder(fx.Interpreter):
    """Runs the graph and keeps what every node returned."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.values: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.values[n.name] = value
        return value


def _values(graph_module: fx.GraphModule, batch: int, image_size: int) -> dict[str, Any]:
    """Runs on the meta device: shapes without arithmetic, in a fraction of a second."""
    recorder = _Recorder(copy.deepcopy(graph_module).to("meta"))
    try:
        with torch.no_grad():
            recorder.run(torch.empty(batch, 3, image_size, image_size, device="meta"))
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"the backbone does not take images of {image_size} x {image_size} pixels: {reason}") from error
    return recorder.values


def _fold(graph_module: fx.GraphModule, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Replaces shape integers: equal at batch 2 and 3 is a constant, equal to the batch is read from the input."""
    graph = graph_module.graph
    source = next(node for node in graph.nodes if node.op == "placeholder")
    with graph.inserting_after(source):
        shape = graph.call_function(getattr, (source, "shape"))
    with graph.inserting_after(shape):
        batch = graph.call_function(operator.getitem, (shape, 0))
    for node in list(graph.nodes):
        a, b = first.get(node.name), second.get(node.name)
        if node in (shape, batch) or not isinstance(a, int) or isinstance(a, bool):
            continue
        if a == b:
            _replace_with_constant(node, a)
        elif (a, b) == (2, 3):
            node.replace_all_uses_with(batch)
    graph.eliminate_dead_code()
    graph.lint()
    graph_module.recompile()


def _replace_with_constant(node: fx.Node, value: int) -> None:
    for user in list(node.users):
        user.args = fx.node.map_arg(user.args, lambda n: value if n is node else n)
        user.kwargs = fx.node.map_arg(user.kwargs, lambda n: value if n is node else n)


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
