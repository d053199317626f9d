"""The teacher's activations at the cuts, computed once and shared by every candidate at the same cut."""

from collections import OrderedDict

import torch

from splitsearch.searcher.data.preprocess import normalise
from splitsearch.spaces.graph.cuts import find_cut, split_at
from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["Activations"]

_CHUNK = 64


class Activations:
    """What the teacher's head gives at any cut, for one set of images.

    A cut whose activations fit is kept whole, the least recently used making room. One that is too large is computed
    batch by batch: only early cuts are that large, and early heads are quick to run.
    """

    def __init__(self, graph: TracedGraph, images: torch.Tensor, max_bytes: int = 2 * 2**30) -> None:
        self.graph = graph
        self.images = images
        self.max_bytes = max_bytes
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()

    def at(self, cut: str, indices: torch.Tensor) -> torch.Tensor:
        """Returns float32 activations (len(indices), *shape) of the images with these indices."""
        if cut in self._kept:
            self._kept.move_to_end(cut)
            return self._kept[cut][indices]
        size = find_cut(self.graph, cut).elements * 4 * len(self.images)
        if size > self.max_bytes:
            return self._compute(cut, indices)
        while self._kept and self._bytes() + size > self.max_bytes:
            self._kept.popitem(last=False)
        self._kept[cut] = self._compute(cut, torch.arange(len(self.images)))
        return self._kept[cut][indices]

    def _bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self._kept.values())

    @torch.no_grad()
    def _compute(self, cut: str, indices: torch.Tensor) -> torch.Tensor:
        head, _ = split_at(self.graph, find_cut(self.graph, cut))
        return torch.cat([head(normalise(self.images[chunk])) for chunk in torch.split(indices, _CHUNK)])
