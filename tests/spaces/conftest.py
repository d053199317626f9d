"""The identity that every cut promises, checked without running the whole network once per cut."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import fx, nn

from splitsearch.spaces.graph.cuts import _node, _tail, find_cuts, part_at
from splitsearch.spaces.graph.trace import trace

TOLERANCE = 1e-5  # of the largest number: head and tail run the same kernels, up to memory formats


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


def randomise(module: nn.Module) -> nn.Module:
    """Norms and layer scales that are no identities, so that a part left out of a tail shows in the logits."""
    torch.manual_seed(0)
    for name, value in module.state_dict().items():
        if name.endswith("running_mean"):
            nn.init.uniform_(value, -0.2, 0.2)
        elif name.endswith(("running_var", "layer_scale", "gamma", ".gamma1", ".gamma2")):
            nn.init.uniform_(value, 0.5, 1.5)
    return module.eval()


@torch.no_grad()
def check_identity(module: nn.Module, size: int, most: int | None = None) -> int:
    """Compares tail(value at the cut) with the network's logits at every cut, and head(x) at the first, middle, last.

    Args:
        module: a classifier; its norms are randomised.
        size: side of the images in pixels.
        most: cuts to look at, evenly spread; None looks at all.

    Returns:
        How many cuts were compared.
    """
    graph = trace(randomise(module), size)
    x = torch.randn(2, 3, size, size)
    whole = module(x.clone())
    offered = find_cuts(graph, "all")
    cuts = offered if most is None else offered[:: -(-len(offered) // most)]
    keep = Keep(graph.module, {cut.node for cut in cuts})
    _assert_near(keep.run(x.clone()), whole, "the traced network")
    for k, cut in enumerate(cuts):
        value = keep.values.pop(cut.node)
        assert tuple(value.shape[1:]) == cut.shape
        if k in (0, len(cuts) // 2, len(cuts) - 1):
            head, tail = part_at(graph, cut)
            _assert_near(head(x.clone()), value, f"the head of {cut.name}")
            _assert_near(tail(value.clone()), whole, f"the tail of {cut.name}")
        # The graph that part_at makes a module of, without compiling each of a hundred.
        tail_graph = _tail(graph, _node(graph, cut))
        _assert_near(fx.Interpreter(graph.module, graph=tail_graph).run(value), whole, f"the tail of {cut.name}")
    find_cuts.cache_clear()  # or sixteen networks stay in memory
    return len(cuts)


def _assert_near(found: torch.Tensor, wanted: torch.Tensor, what: str) -> None:
    assert found.shape == wanted.shape, what
    assert wanted.isfinite().all(), what
    assert (found - wanted).abs().max() <= TOLERANCE * wanted.abs().max(), what


@pytest.fixture
def identity() -> Callable[..., int]:
    return check_identity
