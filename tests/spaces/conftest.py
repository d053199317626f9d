"""The identity that every cut promises, checked in the time of a few runs of the network; networks built fast."""

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import fx, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from splitsearch.spaces.graph.cuts import Cut, _head, _node, _tail, find_cuts, part_at
from splitsearch.spaces.graph.fold import shape_arithmetic
from splitsearch.spaces.graph.trace import TracedGraph, trace

TOLERANCE = 1e-5  # of the largest number: head and tail run the same kernels, up to memory formats
_BLOCK = 999_983  # a prime: no two rows of a weight matrix start at the same place of the block


class Keep(fx.Interpreter):
    """Runs the graph once and keeps what some nodes returned, before an activation in place writes over it."""

    def __init__(self, module: fx.GraphModule, names: set[str]) -> None:
        super().__init__(module)
        self.names = names
        self.values: dict[str, torch.Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.name in self.names:
            self.values[n.name] = value.clone()
        return value


class _Reached(Exception):
    """The node has returned."""


class Until(fx.Interpreter):
    """Runs a graph until one of its nodes has returned."""

    def __init__(self, module: fx.GraphModule, graph: fx.Graph, last: str) -> None:
        super().__init__(module, graph=graph)
        self.last, self.value = last, torch.empty(0)

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.name == self.last:
            self.value = value
            raise _Reached
        return value

    def result(self, x: torch.Tensor) -> torch.Tensor:
        """The value of the node."""
        try:
            self.run(x)
        except _Reached:
            return self.value
        raise AssertionError(f"the graph never comes to {self.last}")


def randomise(module: nn.Module) -> nn.Module:
    """Norms and layer scales that are no identities, so that a part left out of a tail shows in the logits."""
    torch.manual_seed(0)
    for name, value in module.state_dict().items():
        if name.endswith("running_mean"):
            nn.init.uniform_(value, -0.2, 0.2)
        elif name.endswith(("running_var", "layer_scale", "gamma", ".gamma1", ".gamma2")):
            nn.init.uniform_(value, 0.5, 1.5)
    return module.eval()


@contextmanager
def _without_values() -> Iterator[None]:
    """Parameters leave for the meta device when their layers register them: what would draw them has nothing to do."""

    def leave(module: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None or parameter.is_meta:
            return None
        return nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=parameter.requires_grad)

    hook = register_module_parameter_registration_hook(leave)  # type: ignore[arg-type]  # annotated too narrowly
    try:
        yield
    finally:
        hook.remove()


def build_quickly(make: Callable[[], nn.Module]) -> nn.Module:
    """Weights of the usual spread from one block of random numbers: drawing 600 million of them takes ten seconds."""
    with _without_values():
        module = make()
    block = torch.randn(_BLOCK, generator=torch.Generator().manual_seed(0))
    for layer in module.modules():
        for name, empty in layer._parameters.items():
            if empty is not None and empty.is_meta:
                layer._parameters[name] = nn.Parameter(_filled(empty, block), requires_grad=False)
    return module


def _filled(empty: torch.Tensor, block: torch.Tensor) -> torch.Tensor:
    count = empty.numel()
    values = block.repeat(-(-count // len(block)))[:count].reshape(empty.shape)
    if empty.dim() > 1:
        return values.mul_(math.sqrt(2 / empty[0].numel()))  # He et al. (2015)
    return values.mul_(0.1).add_(1)  # norms; a bias near 1 does no harm


@torch.no_grad()
def check_identity(module: nn.Module, size: int) -> int:
    """Shows that tail(head(x)) is what the network computes, at every cut that it offers.

    Node for node, every head and every tail must be the network's own, up to the cut and behind it: so the tail of one
    cut is the piece up to the next cut and the tail of that one. The whole runs once, and keeps its value at every cut.
    Each piece is then run, in the graph of its tail, on the value at the first of the two cuts and must give that at
    the second, bit for bit; what follows is the next tail on the next value, down to the last tail, which is empty. A
    piece that is not equal to the bit has its tail run to the end. At the middle cut, both parts are run as users get
    them.

    Args:
        module: a classifier; its norms are randomised.
        size: side of the images in pixels.

    Returns:
        How many cuts were compared: all.
    """
    graph = trace(randomise(module), size)
    x = torch.randn(2, 3, size, size)
    whole = module(x.clone())
    cuts = find_cuts(graph, "all")
    keep = Keep(graph.module, {cut.node for cut in cuts})
    _assert_near(keep.run(x.clone()), whole, "the traced network")
    own = _Own(graph)
    for k, cut in enumerate(cuts):
        value = keep.values.pop(cut.node)
        assert tuple(value.shape[1:]) == cut.shape
        own.check_head(cut)
        tail = own.check_tail(cut)
        if k == len(cuts) // 2:
            _check_parts(graph, cut, (x, value, whole))
        if k + 1 < len(cuts):
            following = cuts[k + 1].node
            found = Until(graph.module, tail, following).result(value.clone())
            if not torch.equal(found, keep.values[following]):
                _assert_near(fx.Interpreter(graph.module, graph=tail).run(value), whole, f"the tail of {cut.name}")
    assert cuts[-1].node == graph.output.name
    assert [node.op for node in tail.nodes] == ["placeholder", "output"]
    del graph, keep, own, tail, module
    gc.collect()  # traced graphs hold themselves in circles
    return len(cuts)


class _Own:
    """The network's own nodes, which those of its parts are compared with.

    A part whose output has the name, the operation and the arguments of a node of the network, and whose arguments have
    again, down to what enters it, computes what the network computes.
    """

    def __init__(self, graph: TracedGraph) -> None:
        self.graph = graph
        self.places = {node.name: place for place, node in enumerate(graph)}
        self.said = {node.name: _said(node, fx.Node.__str__) for node in graph}
        self.arithmetic = {node.name for node in shape_arithmetic(graph.module.graph)}

    def check_head(self, cut: Cut) -> None:
        self._check(_head(self.graph, _node(self.graph, cut)), [self.graph.input], cut.node)

    def check_tail(self, cut: Cut) -> fx.Graph:
        node = _node(self.graph, cut)
        tail = _tail(self.graph, node)
        self._check(tail, [self.graph.input, node], self.graph.output.name)
        # The batch size of the image is that of the tensor at the cut, too; its pixels are not there.
        of_image = {user.name for user in self.graph.input.users}
        assert of_image.isdisjoint({node.name for node in tail.nodes} - self.arithmetic)
        return tail

    def _check(self, part: fx.Graph, enters: list[fx.Node], leaves: str) -> None:
        entry, *inner, output = part.nodes
        assert entry.op == "placeholder"
        places = [self.places[node.name] for node in inner]
        assert places == sorted(places), "what writes in place must run in the network's order"
        names = {node.name for node in enters}
        readers = {user.name: user for node in enters for user in node.users}

        def entering(node: fx.Node) -> str:
            return entry.name if node is entry or node.name in names else node.name

        for node in inner:
            mine = readers.get(node.name)
            wanted = self.said[node.name] if mine is None else _said(mine, entering)
            assert _said(node, entering) == wanted, node.name
        assert entering(output.args[0]) == (entry.name if leaves in names else leaves)


def _said(node: fx.Node, name_of: Callable[[fx.Node], str]) -> tuple[Any, ...]:
    """Operation and arguments, with names in the place of nodes."""
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), name_of)
    return node.op, node.target, args, kwargs


def _check_parts(graph: TracedGraph, cut: Cut, values: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    x, value, whole = values
    head, tail = part_at(graph, cut)
    _assert_near(head(x.clone()), value, f"the head of {cut.name}")
    _assert_near(tail(value.clone()), whole, f"the tail of {cut.name}")


def _assert_near(found: torch.Tensor, wanted: torch.Tensor, what: str) -> None:
    assert found.shape == wanted.shape, what
    assert wanted.isfinite().all(), what
    assert (found - wanted).abs().max() <= TOLERANCE * wanted.abs().max(), what


@pytest.fixture
def identity() -> Callable[..., int]:
    return check_identity


@pytest.fixture
def quickly() -> Callable[..., nn.Module]:
    return build_quickly
