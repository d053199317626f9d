"""What is measured of a backbone: every head and tail at every cut, and parts that teach what other shapes cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import fx, nn

from splitsearch.profilers.measure.draw import draw
from splitsearch.spaces.bottleneck.decoders import decoder
from splitsearch.spaces.bottleneck.encoders import mimic_encoder
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.cuts import Cut, find_cuts, split_at
from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.graph.layout import is_supported
from splitsearch.spaces.graph.trace import Shape, TracedGraph
from splitsearch.spaces.graph.tracer import symbolic
from splitsearch.spaces.model import Site, SplitModel, Stage
from splitsearch.spaces.variants.variants import Recipe, Variants

__all__ = ["EXTENTS", "Block", "Extent", "Item", "Piece", "Slice", "backbone_items", "sides", "teaching_items"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """A part of a backbone between two cuts.

    Attributes:
        graph: the backbone.
        start: None for the image.
        end: None for the logits.
    """

    graph: TracedGraph
    start: Cut | None
    end: Cut | None

    @property
    def module(self) -> nn.Module:
        """What it computes, on the backbone's own parameters."""
        if self.end is not None:
            return split_at(self.graph, self.end)[0]
        return self.graph.module if self.start is None else split_at(self.graph, self.start)[1]

    @property
    def input_shape(self) -> Shape:
        """Without the batch dimension."""
        size = self.graph.image_size
        return (3, size, size) if self.start is None else self.start.shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A module that is no part of the backbone.

    Attributes:
        name: equal for blocks that are alike, and for no others.
        module: what it computes.
        input_shape: without the batch dimension.
    """

    name: str
    module: nn.Module
    input_shape: Shape


Piece = Slice | Block


@dataclass(frozen=True, kw_only=True, eq=False)
class Item:
    """One network to measure.

    Attributes:
        name: unique.
        pieces: what it runs, one after the other, in one session.
        profile: whether single kernels are wanted too.
        config: fields of the candidate that it is a side of, if it is one.
        site: which side.
    """

    name: str
    pieces: tuple[Piece, ...]
    profile: bool = False
    config: SplitConfig | None = None
    site: Site | None = None

    @property
    def input_shape(self) -> Shape:
        """Without the batch dimension."""
        return self.pieces[0].input_shape

    @cached_property
    def graph_module(self) -> fx.GraphModule:
        """The whole of it as one graph; what could not be traced in the backbone stays opaque here too."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0].module, fx.GraphModule):
            return self.pieces[0].module
        return symbolic(nn.Sequential(*(piece.module for piece in self.pieces)).eval())[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured beyond heads and tails.

    Attributes:
        variants: whole networks that are divided, shrunk or pruned, at most.
        encoders: mimic encoders.
        decoders: decoders.
        candidates: of which both sides are measured whole.
    """

    variants: int
    encoders: int
    decoders: int
    candidates: int


EXTENTS = {
    "quick": Extent(variants=3, encoders=3, decoders=2, candidates=2),
    "standard": Extent(variants=9, encoders=6, decoders=4, candidates=6),
    "thorough": Extent(variants=9, encoders=6, decoders=4, candidates=24),
}


def backbone_items(variants: Variants) -> tuple[list[Item], dict[str, Any]]:
    """The whole, every head and every tail, and which is which.

    Returns:
        The items, and a description in plain data: `backbone`, `image_size`, `graph`, `whole`, and `cuts` with `cut`,
        `shape`, and the names of `head` and `tail`; the head at the logits is the whole, and no tail is left there.
    """
    graph = variants.graph
    place = _place(variants)
    whole = Item(name=f"whole {place}", pieces=(Slice(graph=graph, start=None, end=None),), profile=True)
    items, rows = [whole], []
    for cut in find_cuts(graph, "blocks"):
        row: dict[str, Any] = {"cut": cut.name, "shape": list(cut.shape), "head": whole.name, "tail": None}
        if cut.node != graph.output.name:
            head = Item(name=f"head {place} {cut.name}", pieces=(Slice(graph=graph, start=None, end=cut),))
            tail = Item(name=f"tail {place} {cut.name}", pieces=(Slice(graph=graph, start=cut, end=None),))
            items += [head, tail]
            row |= {"head": head.name, "tail": tail.name}
        rows.append(row)
    described = {
        "backbone": variants.name,
        "image_size": graph.image_size,
        "graph": structure_hash(graph),
        "whole": whole.name,
        "cuts": rows,
    }
    return items, described


def teaching_items(variants: Variants, extent: Extent, seed: int) -> list[Item]:
    """Parts whose channels and sizes the backbone itself does not have."""
    items = [
        Item(name=block.name, pieces=(block,), profile=True)
        for block in (
            *_variants(variants, extent.variants),
            *_encoders(variants, extent.encoders),
            *_decoders(variants, extent.decoders),
        )
    ]
    drawn, models = draw(variants, extent.candidates, seed)
    for candidate, model in zip(drawn, models, strict=True):
        items += sides(candidate.config, model, variants)
    return items


def sides(config: SplitConfig, model: SplitModel, variants: Variants) -> list[Item]:
    """What runs on the device and what runs on the server for one candidate; the resize belongs to the camera."""
    sites: tuple[Site, Site] = ("device", "server")
    return [
        Item(
            name=f"{site} {config.backbone} {config.image_size} {config}",
            pieces=tuple(_piece(stage, variants) for stage in model.at(site) if stage.name != "resize"),
            config=config,
            site=site,
        )
        for site in sites
    ]


def _piece(stage: Stage, variants: Variants) -> Piece:
    graph = variants.graph
    same_size = stage.input_shape[1:] == (graph.image_size, graph.image_size)
    if stage.original and stage.name == "head" and stage.cut is not None and same_size:
        return Slice(graph=graph, start=None, end=_cut(graph, stage.cut))
    if stage.original and stage.name == "tail" and stage.cut is not None:
        cut = _cut(graph, stage.cut)
        if cut.shape == stage.input_shape:
            return Slice(graph=graph, start=cut, end=None)
    assert stage.same_costs is not None
    # What stages say of their costs holds within one backbone.
    name = f"{stage.same_costs} {_place(variants)}"
    return Block(name=name, module=stage.module, input_shape=stage.input_shape)


def _cut(graph: TracedGraph, name: str) -> Cut:
    return next(cut for cut in find_cuts(graph, "all") if cut.name == name)


def _place(variants: Variants) -> str:
    return f"{variants.name} {variants.graph.image_size}"


_ODD = (0.27, 0.61)
"""Shares of pruning that leave most of the usual widths at odd numbers, which runtimes take other ways for."""


def _recipes(variants: Variants) -> list[Recipe]:
    """What changes the channels most and the code least, the most telling first."""
    size = variants.graph.image_size
    cuts = [cut for cut in find_cuts(variants.graph, "blocks")[:-1] if is_supported(cut.shape)]
    pruned = [Recipe(image_size=size, pruned=share, side="head", cut=cut.name) for cut in cuts[-1:] for share in _ODD]
    return [
        Recipe(image_size=size, width=0.5),
        Recipe(image_size=size, nets=2),
        *pruned[:1],
        Recipe(image_size=size * 3 // 4),
        Recipe(image_size=size, nets=4),
        *pruned[1:],
        Recipe(image_size=size, width=0.75),
        Recipe(image_size=size // 2),
        Recipe(image_size=size, nets=8),
    ]


def _variants(variants: Variants, count: int) -> Iterator[Block]:
    """Whole networks that are made of the backbone; those that its family has no rule for are left out."""
    made = 0
    for recipe in _recipes(variants):
        if made == count:
            return
        try:
            graph = variants.get(recipe)
        except InfeasibleError:
            continue
        made += 1
        changed = {
            "nets": recipe.nets if recipe.nets > 1 else None,
            "width": recipe.width if recipe.width < 1 else None,
            "pruned": recipe.pruned or None,
            "side": recipe.image_size if recipe.image_size != variants.graph.image_size else None,
        }
        what = " ".join(f"{name} {value}" for name, value in changed.items() if value is not None)
        shape = (3, recipe.image_size, recipe.image_size)
        yield Block(name=f"variant {what} {_place(variants)}", module=graph.module, input_shape=shape)


_MIMICS: Sequence[dict[str, Any]] = (
    {"width": 32, "depth": 1},
    {"name": "hnd"},
    {"width": 8, "depth": 0},
    {"width": 64, "depth": 2},
    {"name": "crbq"},
    {"width": 16, "depth": 3, "stride": 2},
)
_NARROW = (12, 3, 48, 24, 6)


def _encoders(variants: Variants, count: int) -> Iterator[Block]:
    graph = variants.graph
    cuts = [cut for cut in find_cuts(graph, "stages") if len(cut.shape) == 3]
    for place, fields in enumerate(_MIMICS[:count] if cuts else ()):
        cut, narrow = cuts[place % len(cuts)], _NARROW[place % len(_NARROW)]
        try:
            module, _ = mimic_encoder(cut.shape, narrow, graph.image_size, **fields)
        except (InfeasibleError, UserError):
            continue  # an image too small for a published encoder
        what = " ".join(f"{name} {value}" for name, value in fields.items())
        size = graph.image_size
        yield Block(name=f"encoder {what} at {cut.name} {_place(variants)}", module=module, input_shape=(3, size, size))


def _decoders(variants: Variants, count: int) -> Iterator[Block]:
    cuts = [cut for cut in find_cuts(variants.graph, "stages") if len(cut.shape) == 3]
    for place in range(count if cuts else 0):
        cut, name = cuts[place % len(cuts)], "linear" if place % 4 == 3 else "light"
        _, height, width = cut.shape
        narrow = (_NARROW[place % len(_NARROW)], height, width)
        yield Block(
            name=f"decoder {name} {narrow[0]} at {cut.name} {_place(variants)}",
            module=decoder(name, narrow, cut.shape),
            input_shape=narrow,
        )
