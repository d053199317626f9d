"""Candidates by chance: those that teach a model what new shapes cost, and, with another seed, those that test it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.cuts import Cut, find_cuts
from splitsearch.spaces.graph.layout import channels, is_supported
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants

__all__ = ["KINDS", "Drawn", "draw"]

_Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A candidate that exists.

    Attributes:
        kind: one of `KINDS`.
        config: what it is.
    """

    kind: str
    config: SplitConfig


def _plain(chance: random.Random) -> _Fields:
    return {}


def _mimic(chance: random.Random) -> _Fields:
    return {
        "head": "mimic",
        "encoder_width": chance.choice((8, 16, 24, 32, 48, 64)),
        "encoder_depth": chance.choice((0, 1, 2, 3)),
    }


def _divided(chance: random.Random) -> _Fields:
    return {"division": chance.choice((2, 4)), "division_scope": chance.choice(("tail", "head", "whole"))}


def _pruned(chance: random.Random) -> _Fields:
    return {chance.choice(("head_pruning", "tail_pruning")): round(chance.uniform(0.1, 0.7), 2)}


def _shrunk(chance: random.Random) -> _Fields:
    return chance.choice(({"width": 0.5}, {"width": 0.75}, {"depth": 0.5}, {"resolution": 0.5}, {"resolution": 0.75}))


KINDS: dict[str, Callable[[random.Random], _Fields]] = {
    "plain": _plain,
    "mimic": _mimic,
    "divided": _divided,
    "pruned": _pruned,
    "shrunk": _shrunk,
}
"""Kinds of candidates; half of those drawn are plain, an encoder and a decoder between the backbone's own parts."""

_TURNS = ("plain", "mimic", "plain", "divided", "plain", "pruned", "plain", "shrunk")
_ATTEMPTS = 12


def draw(variants: Variants, count: int, seed: int) -> tuple[list[Drawn], Iterator[SplitModel]]:
    """Draws candidates of one backbone; a kind that the backbone's family has no rule for gives way to plain ones.

    Args:
        variants: the backbone, with values.
        count: how many.
        seed: decides everything.

    Returns:
        The candidates, and their modules, built one after the other when they are asked for.
    """
    chance = random.Random(f"{seed} {variants.name}")
    shapes = variants if variants.is_meta else variants.without_values()
    cuts = [cut for cut in find_cuts(shapes.graph, "blocks")[:-1] if is_supported(cut.shape)]
    found: list[Drawn] = []
    missing: set[str] = set()
    for place in range(count):
        kind = _TURNS[place % len(_TURNS)]
        drawn = None if kind in missing else _one(kind, shapes, cuts, chance)
        if drawn is None:
            missing.add(kind)
            drawn = _one("plain", shapes, cuts, chance)
        if drawn is not None and drawn not in found:
            found.append(drawn)
    return found, (assemble(drawn.config, variants, seed) for drawn in found)


def _one(kind: str, shapes: Variants, cuts: list[Cut], chance: random.Random) -> Drawn | None:
    """The first of a few attempts that exists; None if none does."""
    for _ in range(_ATTEMPTS):
        cut = chance.choice(cuts)
        config = SplitConfig(**(_bottleneck(shapes, cut, chance) | KINDS[kind](chance)))
        try:
            for stage in assemble(config, shapes).stages:
                _ = stage.module  # built when it is asked for: some reasons show only then
        except InfeasibleError:
            continue
        return Drawn(kind=kind, config=config)
    return None


def _bottleneck(shapes: Variants, cut: Cut, chance: random.Random) -> _Fields:
    wide = channels(cut.shape)
    return {
        "backbone": shapes.name,
        "cut": cut.name,
        "head": "original",
        "channels": min(wide, chance.choice((2, 3, 6, 9, 12, 24, 48, 96))),
        "bits": 8,
        "image_size": shapes.graph.image_size,
        "stride": chance.choice((1, 1, 2)),
        "activation": chance.choice(("none", "relu")),
        "decoder": chance.choice(("light", "linear")),
    }
