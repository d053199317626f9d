"""What the teacher gives for one set of images, at any cut: computed once and shared by every candidate there."""

from collections import OrderedDict

import torch

from splitsearch.searcher.data.preprocess import normalise
from splitsearch.spaces.graph.cuts import find_cut, split_at
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Resize
from splitsearch.spaces.variants.variants import Recipe, Variants

__all__ = ["Activations"]

_CHUNK = 64


class Activations:
    """What the teacher's head gives at any cut, for one set of images.

    A cut whose activations fit is kept whole, the least recently used making room. One that is too large is computed
    batch by batch: only early cuts are that large, and early heads are quick to run.
    """

    def __init__(self, variants: Variants, images: torch.Tensor, max_bytes: int = 2 * 2**30) -> None:
        self.variants = variants
        self.images = images
        self.max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, int], torch.Tensor] = OrderedDict()
        self._logits: torch.Tensor | None = None

    def inputs(self, indices: torch.Tensor, size: int | None = None) -> torch.Tensor:
        """Returns normalised images (len(indices), 3, S, S), brought to `size` pixels as candidates do it."""
        images = normalise(self.images[indices])
        return images if size in (None, images.shape[-1]) else Resize(size or 0)(images)

    def at(self, cut: str, indices: torch.Tensor, size: int | None = None) -> torch.Tensor:
        """Returns float32 activations (len(indices), *shape) of the images with these indices.

        Args:
            cut: of the teacher.
            indices: of the images.
            size: side of the images that enter the teacher, in pixels; None means as they are stored.
        """
        graph = self._graph(size)
        place = (cut, graph.image_size)
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place][indices]
        needed = find_cut(graph, cut).elements * 4 * len(self.images)
        if needed > self.max_bytes:
            return self._compute(graph, cut, indices)
        while self._kept and self._bytes() + needed > self.max_bytes:
            self._kept.popitem(last=False)
        self._kept[place] = self._compute(graph, cut, torch.arange(len(self.images)))
        return self._kept[place][indices]

    @torch.no_grad()
    def logits(self, indices: torch.Tensor) -> torch.Tensor:
        """Returns the teacher's logits (len(indices), K) on the images as they are stored."""
        if self._logits is None:
            chunks = torch.split(torch.arange(len(self.images)), _CHUNK)
            self._logits = torch.cat([self.variants.graph.module(self.inputs(chunk)) for chunk in chunks])
        return self._logits[indices]

    def _graph(self, size: int | None) -> TracedGraph:
        return self.variants.graph if size is None else self.variants.get(Recipe(image_size=size))

    def _bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self._kept.values())

    @torch.no_grad()
    def _compute(self, graph: TracedGraph, cut: str, indices: torch.Tensor) -> torch.Tensor:
        head, _ = split_at(graph, find_cut(graph, cut))
        chunks = torch.split(indices, _CHUNK)
        return torch.cat([head(self.inputs(chunk, graph.image_size)) for chunk in chunks])
