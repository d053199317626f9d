"""Candidates by chance."""

from collections import Counter

import pytest

from splitsearch.profilers.measure.draw import KINDS, draw
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.variants.variants import Variants


@pytest.fixture(scope="module")
def residual() -> Variants:
    return Variants.trace("resnet18", usual_module("resnet18"), 64)


def test_a_seed_decides_everything(residual: Variants) -> None:
    first, _ = draw(residual, 8, 1)
    again, _ = draw(residual, 8, 1)
    other, _ = draw(residual, 8, 2)
    assert first == again
    assert {drawn.config for drawn in first}.isdisjoint(drawn.config for drawn in other)


def test_half_are_plain_and_every_kind_is_there(residual: Variants) -> None:
    drawn, models = draw(residual, 8, 0)
    assert Counter(one.kind for one in drawn) == {"plain": 4, "mimic": 1, "divided": 1, "pruned": 1, "shrunk": 1}
    cuts = {cut.name for cut in find_cuts(residual.graph, "blocks")[:-1]}
    for one, model in zip(drawn, models, strict=True):
        assert one.config.cut in cuts
        assert model.crossing is not None
        assert model.crossing.output_shape[0] == one.config.channels


def test_a_kind_that_cannot_exist_gives_way(variants: Variants, monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = {"head": "mimic", "division": 8, "division_scope": "head"}
    monkeypatch.setitem(KINDS, "divided", lambda chance: impossible)
    drawn, models = draw(variants, 8, 0)
    kinds = Counter(one.kind for one in drawn)
    assert kinds["divided"] == 0
    assert kinds["plain"] == len(drawn) - kinds["mimic"] - kinds["pruned"] - kinds["shrunk"]
    assert len(list(models)) == len(drawn) >= 6
