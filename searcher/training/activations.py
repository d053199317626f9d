"""What the teacher gives for one set of images, at any cut: computed once and shared by every candidate there.

Once per teacher, data, cut, image size and view: where there is a store, by every process and every later run too. What
is kept is rounded to float16, or where that overflows or is too coarse to bfloat16 or not at all (`narrowest`); what
comes from memory, from the store or from the teacher just now is rounded alike, so that a run does not depend on what
the cache held. A cut that fits neither memory nor the store is computed batch by batch, and then not rounded: only
early cuts are that large, and early heads are quick to run.

Maps leave here with their channels side by side where the network takes them so (`channel_order`); they are kept in
the usual order, for whoever reads the cache.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.channel_order import ordered, takes_channels_last
from splitsearch.searcher.training.placement import CPU, brought
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.views import Views
from splitsearch.searcher.training.writer import Writer
from splitsearch.spaces.graph.cuts import find_cut, split_at
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Resize
from splitsearch.spaces.variants.variants import Recipe, Variants

__all__ = ["LOGITS", "Activations", "Place", "Shared", "narrowest"]

VERSION = 2
"""Of how activations are computed; whoever changes it counts it up."""

KIND = "activations"
_CHUNK = 64
LOGITS = ""
"""In the place of a cut's name: what the network returns."""

_NARROW = (torch.float16, torch.bfloat16)
_TOLERANCE = 1e-5
"""Mean squared error of rounding over the variance: what a distillation loss, which is relative to it, moves by."""

Place = tuple[str, int, int]
"""Cut, image size, view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Where activations are kept beyond a process.

    Attributes:
        store: the cache folder.
        key: what determines them beside cut, size and view: hashes of teacher and images, plain JSON.
    """

    store: Store
    key: dict[str, Any]


class _OverflowError(Exception):
    """A later image does not fit the type that the first ones chose."""


def narrowest(sample: torch.Tensor) -> torch.dtype:
    """The narrowest type that holds float32 values well enough: no overflow, and next to no error for their spread."""
    tolerated = _TOLERANCE * float(sample.var()) if sample.numel() > 1 else 0.0
    for dtype in _NARROW:
        rounded = sample.to(dtype).float()
        if bool(rounded.isfinite().all()) and float((rounded - sample).square().mean()) <= tolerated:
            return dtype
    return torch.float32


class Activations:
    """What the teacher's head gives at any cut, for one set of images."""

    def __init__(
        self,
        variants: Variants,
        images: torch.Tensor,
        max_bytes: int = 2 * 2**30,
        *,
        shared: Shared | None = None,
        views: Views | None = None,
        device: torch.device = CPU,
    ) -> None:
        """Computes nothing yet.

        Args:
            variants: of the teacher.
            images: uint8 (N, 3, S, S), in memory or mapped.
            max_bytes: of the device's memory for whole cuts, the least recently used making room; larger ones stay
                mapped.
            shared: keeps them for other processes and later runs. None keeps float32 in memory alone.
            views: of the images; None means the plain ones.
            device: where the teacher computes, as a copy if it is elsewhere, and where everything is returned.
        """
        self.variants = variants
        self.images = images
        self.max_bytes = max_bytes
        self.device = device
        self._shared = shared
        self._views = views or Views()
        self._channels_last = takes_channels_last(variants.graph)
        self._kept: OrderedDict[Place, torch.Tensor] = OrderedDict()
        self._mapped: dict[Place, torch.Tensor | None] = {}
        self._near: dict[int, TracedGraph] = {}

    @property
    def views(self) -> int:
        """How many views of each image there are, the plain one among them."""
        return self._views.count

    def inputs(self, indices: torch.Tensor, size: int | None = None, view: int = 0) -> torch.Tensor:
        """Returns normalised images (len(indices), 3, S, S), brought to `size` pixels as candidates do it."""
        images = normalise(self._views.apply(self.images[indices].to(self.device), indices, view))
        return self._ordered(images if size in (None, images.shape[-1]) else Resize(size or 0)(images))

    def at(self, cut: str, indices: torch.Tensor, size: int | None = None, view: int = 0) -> torch.Tensor:
        """Returns float32 activations (len(indices), *shape) of the images with these indices.

        Args:
            cut: of the teacher.
            indices: of the images.
            size: side of the images that enter the teacher, in pixels; None means as they are stored.
            view: of the images.
        """
        return self._ordered(self._rows((cut, size or self.variants.graph.image_size, view), indices))

    def logits(self, indices: torch.Tensor, view: int = 0) -> torch.Tensor:
        """Returns the teacher's logits (len(indices), K), float32, on images of the size that they have here."""
        return self._rows((LOGITS, self.variants.graph.image_size, view), indices)

    def _ordered(self, x: torch.Tensor) -> torch.Tensor:
        return ordered(x) if self._channels_last else x

    def _rows(self, place: Place, indices: torch.Tensor) -> torch.Tensor:
        whole = self._whole(place)
        return self._compute(place, indices) if whole is None else whole[indices].to(self.device).float()

    def _whole(self, place: Place) -> torch.Tensor | None:
        """All rows, in memory or mapped; None where they are too many."""
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        if place not in self._mapped:
            found = self._alone(place) if self._shared is None else self._stored(place, self._shared)
            if found is None or _bytes(found) > self.max_bytes:
                self._mapped[place] = found
            else:
                self._keep(place, found)
                return self._kept[place]
        return self._mapped[place]

    def _keep(self, place: Place, tensor: torch.Tensor) -> None:
        while self._kept and sum(map(_bytes, self._kept.values())) + _bytes(tensor) > self.max_bytes:
            self._kept.popitem(last=False)
        # A copy of what is mapped: its entry may then be evicted.
        copied = self._shared is not None and self.device.type == "cpu"
        self._kept[place] = tensor.clone() if copied else tensor.to(self.device)

    def _alone(self, place: Place) -> torch.Tensor | None:
        if self._elements(place) * torch.float32.itemsize > self.max_bytes:
            return None
        return self._compute(place, torch.arange(len(self.images))).cpu()

    def _stored(self, place: Place, shared: Shared) -> torch.Tensor | None:
        """From the store, else made for it, else in memory."""
        key = self._key(place, shared)
        found = shared.store.open(KIND, key)
        if found is not None:
            return found.tensor
        dtype: torch.dtype | None = None
        while True:
            dtype = self._type(place) if dtype is None else _wider(dtype)
            promise = self._elements(place) * dtype.itemsize
            try:
                found = shared.store.get(KIND, key, promise, _Filling(self, place, dtype))
                if found is not None:
                    return found.tensor
                return torch.cat(list(self._rounded(place, dtype))) if promise <= self.max_bytes else None
            except _OverflowError:
                continue

    def _key(self, place: Place, shared: Shared) -> dict[str, Any]:
        cut, size, view = place
        release = torch.__version__.partition("+")[0]
        # Another kind of device adds in another order; entries of the CPU keep the names that they had.
        where = {} if self.device.type == "cpu" else {"device": self.device.type}
        own = {"cut": cut, "size": size, "torch": release, "made": VERSION}
        return shared.key | self._views.key(view) | own | where

    def _type(self, place: Place) -> torch.dtype:
        return narrowest(self._compute(place, torch.arange(min(_CHUNK, len(self.images)))))

    def _rounded(self, place: Place, dtype: torch.dtype, start: int = 0) -> Iterator[torch.Tensor]:
        """All rows from `start` on, chunk by chunk, always in the same chunks: equal bits wherever they are kept."""
        for chunk in torch.split(torch.arange(start, len(self.images)), _CHUNK):
            exact = self._compute(place, chunk).cpu()
            rounded = exact.to(dtype)
            if dtype != torch.float32 and not bool(rounded.isfinite().all()) and bool(exact.isfinite().all()):
                raise _OverflowError
            yield rounded

    def _elements(self, place: Place) -> int:
        graph = self._graph(place)
        each = self.variants.classes if place[0] == LOGITS else find_cut(graph, place[0]).elements
        return each * len(self.images)

    def _graph(self, place: Place) -> TracedGraph:
        """The teacher at one image size, on the device; shapes are the same wherever it is."""
        own, size = self.variants.graph, place[1]
        graph = own if size == own.image_size else self.variants.get(Recipe(image_size=size))
        if self.device.type == "cpu":
            return graph
        if size not in self._near:
            self._near[size] = replace(graph, module=brought(graph.module, self.device))
        return self._near[size]

    @torch.no_grad()
    def _compute(self, place: Place, indices: torch.Tensor) -> torch.Tensor:
        cut, size, view = place
        graph = self._graph(place)
        head = graph.module if cut == LOGITS else split_at(graph, find_cut(graph, cut))[0]
        parts = [head(self.inputs(chunk, size, view)) for chunk in torch.split(indices, _CHUNK)]
        return torch.cat(parts).contiguous()


@dataclass(frozen=True, slots=True)
class _Filling:
    """Writes one place into the store."""

    of: Activations
    place: Place
    dtype: torch.dtype

    def __call__(self, writer: Writer) -> dict[str, Any]:
        for rows in self.of._rounded(self.place, self.dtype):
            writer.append(rows)
        return {}


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _wider(dtype: torch.dtype) -> torch.dtype:
    return torch.bfloat16 if dtype == torch.float16 else torch.float32
