"""Traces networks whose Python cannot be followed everywhere: a part that resists becomes one opaque node.

`torch.fx` runs a network's own Python on stand-ins for tensors. Code that asks such a stand-in for a value, a loop over
an unknown length say, raises. The innermost module whose forward raised is then kept whole, a leaf of the graph, and
the network is traced again: cuts around that module are found, cuts inside it are not.
"""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

from splitsearch.spaces.errors import UserError

__all__ = ["symbolic"]

_TORCH = str(Path(torch.__file__).parent)
_HERE = __file__


def symbolic(module: nn.Module) -> tuple[fx.GraphModule, dict[str, str]]:
    """Traces a network, keeping whole what cannot be followed.

    Args:
        module: in evaluation mode.

    Returns:
        The graph, without assertions and dead code, and the opaque modules: path to the place and the reason.

    Raises:
        UserError: what cannot be followed stands in the network's own forward, or nothing but opaque parts is left.
    """
    opaque: dict[str, str] = {}
    while True:
        tracer = _Tracer(frozenset(opaque))
        try:
            graph = tracer.trace(module, concrete_args=_defaults(module))
        except Exception as error:  # fx lets anything out that the network's own Python raises on a stand-in
            path, reason = tracer.failed or "", f"{_place_of(error)}: {_first_line(error)}"
        else:
            path, reason = _lost_write(module, graph)
            if not reason:
                break
        if not path:
            raise _untraceable(module, reason)
        opaque[path] = reason
    _refuse_if_only_opaque(module, graph, opaque)
    graph_module = fx.GraphModule(tracer.root, graph)
    _clean(graph_module)
    kept = {node.target for node in graph_module.graph.nodes if node.op == "call_module"}
    return graph_module, {path: reason for path, reason in opaque.items() if path in kept}


def _defaults(module: nn.Module) -> dict[str, Any]:
    """Whatever else the network's forward takes keeps its default: a stand-in would fail in `if return_features`."""
    _, *others = inspect.signature(module.forward).parameters.values() or (None,)
    return {parameter.name: parameter.default for parameter in others if parameter.default is not parameter.empty}


class _Tracer(fx.Tracer):
    """Remembers the innermost module in whose forward the trace failed."""

    def __init__(self, opaque: frozenset[str]) -> None:
        super().__init__(param_shapes_constant=True)
        self.opaque = opaque
        self.failed: str | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name in self.opaque or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        path = self.path_of_module(m)
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            # A leaf fails only on what it is called with: then the caller is to blame.
            if self.failed is None and not self.is_leaf_module(m, path):
                self.failed = path
            raise


def _lost_write(module: nn.Module, graph: fx.Graph) -> tuple[str, str]:
    """An operation in place whose result nobody takes: the graph would lose the write, as it follows values alone."""
    for node in graph.nodes:
        if not node.users and _writes_in_place(module, node):
            stack = [path for path, _ in node.meta.get("nn_module_stack", {}).values() if path != node.target]
            return (stack[-1] if stack else ""), f"{node.target} writes in place and its result is not used"
    return "", ""


def _writes_in_place(module: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).endswith("__")
    if node.op == "call_module":
        return bool(getattr(module.get_submodule(str(node.target)), "inplace", False))
    return node.op == "call_function" and bool(node.kwargs.get("inplace", False))


def _place_of(error: BaseException) -> str:
    """File and line of the deepest frame that is the network's own code, not torch's nor ours."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_TORCH, "<")) and frame.filename != _HERE
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].partition(". ")[0] if lines else type(error).__name__  # fx goes on with pages of its manual


def _untraceable(module: nn.Module, reason: str) -> UserError:
    name = type(module).__name__
    return UserError(
        f"the backbone {name} cannot be traced: its own forward depends on values of tensors ({reason}); move these "
        "lines into a submodule, which is then kept whole, or into a function given to torch.fx.wrap"
    )


def _refuse_if_only_opaque(module: nn.Module, graph: fx.Graph, opaque: dict[str, str]) -> None:
    """A network that is a wrapper around one opaque part has no place to be cut at."""
    work = [node for node in graph.nodes if node.op.startswith("call_")]
    if opaque and work and all(node.op == "call_module" and node.target in opaque for node in work):
        path = str(work[0].target)
        raise UserError(
            f"the backbone {type(module).__name__} cannot be traced: '{path}' holds all of it and its forward depends "
            f"on values of tensors ({opaque[path]}); move these lines into a submodule, which is then kept whole, or "
            "into a function given to torch.fx.wrap"
        )


def _clean(graph_module: fx.GraphModule) -> None:
    for node in list(graph_module.graph.nodes):
        if node.op == "call_function" and node.target is torch._assert:
            graph_module.graph.erase_node(node)
    graph_module.graph.eliminate_dead_code()
    for node in list(graph_module.graph.find_nodes(op="placeholder"))[1:]:
        if not node.users:
            graph_module.graph.erase_node(node)
    graph_module.recompile()
