"""What the teacher gives for images that are seen once: it runs once for each batch, for all that a step asks for.

A full training sees another view of each image in every epoch, so that nothing is worth keeping beyond a step. Which
tensors a step wants is learned from the steps before: from the second one on, one pass gives them all.
"""

import torch
from torch import fx

from splitsearch.searcher.training.activations import LOGITS, Activations, Place
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.graph.cuts import find_cut
from splitsearch.spaces.graph.flow import ancestors
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants

__all__ = ["Passing", "several"]


class Passing(Activations):
    """Activations of one batch at a time."""

    def __init__(self, variants: Variants, images: torch.Tensor, *, views: Views, device: torch.device) -> None:
        """Computes nothing yet.

        Args:
            variants: of the teacher, whose weights are on the device.
            images: uint8 (N, 3, S, S).
            views: of the images.
            device: where everything is computed and returned.
        """
        super().__init__(variants, images, max_bytes=0, views=views, device=device)
        self._batch = torch.empty(0, dtype=torch.long)
        self._held: dict[Place, torch.Tensor] = {}
        self._wanted: dict[int, tuple[str, ...]] = {}
        self._modules: dict[int, fx.GraphModule] = {}

    def _rows(self, place: Place, indices: torch.Tensor) -> torch.Tensor:
        if not torch.equal(indices, self._batch):
            self._batch = indices
            self._held.clear()
        if place not in self._held:
            self._pass(place, indices)
        return self._held[place]

    @torch.no_grad()
    def _pass(self, place: Place, indices: torch.Tensor) -> None:
        cut, size, view = place
        known = self._wanted.get(size, ())
        if cut not in known:
            self._wanted[size] = known = (*known, cut)
            self._modules[size] = several(self._graph(place), known)
        made = self._modules[size](self.inputs(indices, size, view))
        self._held |= {(name, size, view): tensor for name, tensor in zip(known, made, strict=True)}


def several(graph: TracedGraph, cuts: tuple[str, ...]) -> fx.GraphModule:
    """The same network on the same parameters, as far as it is needed for the tensors at these cuts.

    Args:
        graph: the network.
        cuts: names; `LOGITS` stands for what it returns.
    """
    named = {node.name: node for node in graph}
    nodes = [graph.output if cut == LOGITS else named[find_cut(graph, cut).node] for cut in cuts]
    needed = set().union(*(ancestors(node) for node in nodes))
    copy = fx.Graph()
    known: dict[fx.Node, fx.Node] = {}
    for node in graph:
        if node in needed:
            known[node] = copy.node_copy(node, lambda given: known[given])
    copy.output(tuple(known[node] for node in nodes))
    copy.lint()
    return fx.GraphModule(graph.module, copy, "Several")
