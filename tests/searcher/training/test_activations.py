"""Activations are computed once, equal what the head gives, and are rounded where no loss notices."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision.models import get_model

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations, Shared, _wider, narrowest
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.graph.cuts import find_cut, find_cuts, split_at
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import Resize
from splitsearch.spaces.variants.variants import Variants

SOME = torch.tensor([5, 3, 99])


def counted(module: nn.Module) -> list[int]:
    """Lengths of the batches that enter a network's first convolution from now on."""
    seen: list[int] = []
    first = next(layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    first.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    return seen


Made = Callable[..., Activations]


@pytest.fixture
def made(variants: Variants, data: Dataset, tmp_path: Path) -> Made:
    def make(**changes: Any) -> Activations:
        store = changes.pop("store", None) or Store(tmp_path / "cache")
        return Activations(variants, data.train.images, shared=Shared(store=store, key={"teacher": "t"}), **changes)

    return make


@torch.no_grad()
def test_kept_or_computed_they_are_the_heads(variants: Variants, graph: TracedGraph, data: Dataset) -> None:
    head, _ = split_at(graph, find_cut(graph, "1.2"))
    expected = head(normalise(data.train.images[SOME]))
    for limit in (2**30, 0):
        found = Activations(variants, data.train.images, max_bytes=limit).at("1.2", SOME)
        torch.testing.assert_close(found, expected)


def test_the_least_recently_used_cut_makes_room(variants: Variants, graph: TracedGraph, data: Dataset) -> None:
    one = find_cut(graph, "0.2").elements * 4 * len(data.train.labels)
    store = Activations(variants, data.train.images, max_bytes=one)
    some = torch.arange(2)
    store.at("0.2", some)
    store.at("1.2", some)
    assert list(store._kept) == [("1.2", 32, 0)]
    store.at("2.2", some)
    assert list(store._kept) == [("1.2", 32, 0), ("2.2", 32, 0)]


@torch.no_grad()
def test_the_teacher_runs_once_for_all_processes_and_runs(made: Made, variants: Variants, graph: TracedGraph) -> None:
    first = made()
    found, logits = first.at("1.2", SOME), first.logits(SOME)
    seen = counted(variants.module)
    for again in (first, made(), made(max_bytes=0)):
        assert torch.equal(again.at("1.2", SOME), found)
        assert torch.equal(again.logits(SOME), logits)
    assert seen == []
    head, _ = split_at(graph, find_cut(graph, "1.2"))
    exact = head(normalise(first.images[SOME]))
    assert found.dtype == logits.dtype == torch.float32
    assert torch.equal(found, exact.half().float())


def test_what_is_kept_in_memory_or_mapped_has_equal_bits(made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    heard: list[str] = []
    kept, mapped = made(), made(max_bytes=0)
    alone = made(store=Store(tmp_path / "file", say=heard.append))
    for cut in ("0.2", "2.2"):
        assert torch.equal(kept.at(cut, SOME), mapped.at(cut, SOME))
        assert torch.equal(kept.at(cut, SOME), alone.at(cut, SOME))
    assert not mapped._kept
    assert len(heard) == 1  # and the run goes on


@torch.no_grad()
def test_too_large_for_memory_and_store_it_is_computed_batch_by_batch(
    made: Made, variants: Variants, graph: TracedGraph, tmp_path: Path
) -> None:
    tight = made(store=Store(tmp_path / "tight", max_bytes=1000), max_bytes=1000)
    head, _ = split_at(graph, find_cut(graph, "1.2"))
    expected = head(normalise(tight.images[SOME]))
    tight.at("1.2", SOME)
    seen = counted(variants.module)
    assert torch.equal(tight.at("1.2", SOME), expected)
    assert seen == [3]  # the three that were asked for; how it is kept was settled before


@pytest.mark.parametrize("change", ["teacher", "view", "size", "cut"])
def test_whatever_determines_them_determines_the_entry(
    change: str, made: Made, variants: Variants, data: Dataset, tmp_path: Path
) -> None:
    made(views=Views(2)).at("1.2", SOME)
    seen = counted(variants.module)
    teacher = "another" if change == "teacher" else "t"
    shared = Shared(store=Store(tmp_path / "cache"), key={"teacher": teacher})
    other = Activations(variants, data.train.images, views=Views(2), shared=shared)
    other.at(
        "2.2" if change == "cut" else "1.2", SOME,
        size=24 if change == "size" else None, view=1 if change == "view" else 0,
    )  # fmt: skip
    assert sum(seen) >= len(data.train.labels)


@torch.no_grad()
def test_views_and_sizes_are_what_enters_the_head(made: Made, graph: TracedGraph) -> None:
    views = Views(3, flips=True)
    store = made(views=views)
    assert (store.views, made().views) == (3, 1)
    stored = store.images[SOME]
    assert torch.equal(store.inputs(SOME, view=2), normalise(views.apply(stored, SOME, 2)))
    assert torch.equal(store.inputs(SOME, 24, 1), Resize(24)(normalise(views.apply(stored, SOME, 1))))
    head, _ = split_at(graph, find_cut(graph, "1.2"))
    torch.testing.assert_close(store.at("1.2", SOME, view=2), head(store.inputs(SOME, view=2)), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        store.logits(SOME, view=1), graph.module(store.inputs(SOME, view=1)), rtol=1e-3, atol=1e-3
    )
    assert store.at("1.2", SOME, size=24, view=1).shape == (3, 16, 6, 6)


def test_a_type_is_as_narrow_as_range_and_spread_allow() -> None:
    normal = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    assert narrowest(normal) == torch.float16
    assert narrowest(normal * 1e6) == torch.bfloat16  # beyond 65504
    assert narrowest(normal * 1e-8) == torch.bfloat16  # below the subnormal numbers of float16
    assert narrowest(normal + 1e4) == torch.float32  # a spread that is lost beside the mean
    assert narrowest(torch.full((4,), float("inf"))) == torch.float32
    assert narrowest(torch.ones(1)) == torch.float16


@given(st.floats(-1e8, 1e8, width=32), st.floats(1e-6, 1e6))
def test_no_rounding_moves_a_relative_loss(mean: float, spread: float) -> None:
    values = mean + spread * torch.linspace(-1, 1, 101)
    rounded = values.to(narrowest(values)).float()
    assert float((rounded - values).square().mean()) <= 1e-5 * float(values.var())


def test_a_later_image_that_overflows_makes_the_type_wider(variants: Variants, data: Dataset, tmp_path: Path) -> None:
    with torch.no_grad():  # bright images, which come late, leave float16
        convolution = variants.module[0][0]
        convolution.weight.fill_(0.0)
        convolution.weight[:, :, 1, 1] = 1e4
    images = data.train.images // 8
    images[100:] = 255
    store = Activations(variants, images, shared=Shared(store=Store(tmp_path), key={}))
    found = store.at("0.0", torch.tensor([0, 119]))
    assert store._kept[("0.0", 32, 0)].dtype == torch.bfloat16
    assert bool(found.isfinite().all())
    assert float(found[1].abs().max()) > 65504
    assert _wider(torch.bfloat16) == torch.float32


@torch.no_grad()
def test_the_distillation_loss_does_not_move() -> None:
    """The loss of `hnd` against float16 and float32 targets, for good and bad imitations at every stage of resnet18."""
    torch.manual_seed(0)
    graph = Variants.trace("resnet18", get_model("resnet18", weights=None).eval(), 32).graph
    images = normalise(torch.randint(0, 256, (32, 3, 32, 32), dtype=torch.uint8))
    for cut in find_cuts(graph, "stages"):
        exact = split_at(graph, cut)[0](images)
        assert narrowest(exact) == torch.float16
        for noise in (0.03, 0.3):
            imitation = exact + noise * exact.std() * torch.randn_like(exact)
            losses = [(imitation - kept).square().mean() / exact.var() for kept in (exact, exact.half().float())]
            assert float(losses[1] / losses[0]) == pytest.approx(1, abs=1e-3)
