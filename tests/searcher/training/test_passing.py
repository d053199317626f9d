"""Activations in passing."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import LOGITS, Activations
from splitsearch.searcher.training.passing import Passing, several
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.variants.variants import Variants

SOME = torch.tensor([5, 3, 99])
CPU = torch.device("cpu")


def passing(variants: Variants, data: Dataset, views: int = 1) -> Passing:
    return Passing(variants, data.train.images, views=Views(views, flips=True), device=CPU)


def runs(module: nn.Module) -> list[int]:
    seen: list[int] = []
    first = next(layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    first.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    return seen


@pytest.mark.parametrize("view", [0, 2])
def test_they_are_what_the_store_gives(variants: Variants, data: Dataset, view: int) -> None:
    found = passing(variants, data, 3)
    stored = Activations(variants, data.train.images, max_bytes=0, views=Views(3, flips=True))
    for cut in ("1.2", "0.2", "2.2"):
        assert torch.equal(found.at(cut, SOME, view=view), stored.at(cut, SOME, view=view))
    assert torch.equal(found.logits(SOME, view=view), stored.logits(SOME, view=view))
    assert torch.equal(found.at("1.2", SOME, size=24), stored.at("1.2", SOME, size=24))


def test_from_the_second_batch_on_one_pass_gives_all(variants: Variants, data: Dataset) -> None:
    found, seen = passing(variants, data), runs(variants.module)
    for indices in (SOME, SOME + 1, SOME - 2):
        first = found.at("1.2", indices)
        found.logits(indices)
        assert torch.equal(found.at("1.2", indices), first)
    assert seen == [3, 3, 3, 3]  # the first batch takes two


def test_only_what_is_needed_runs(variants: Variants) -> None:
    made = several(variants.graph, ("0.2",))
    assert len([node for node in made.graph.nodes if node.op == "call_module"]) < len(list(variants.graph)) / 2


@torch.no_grad()
def test_every_cut_of_a_residual_network_at_once() -> None:
    torch.manual_seed(0)
    graph = trace(resnet18(num_classes=10).eval(), 32)
    cuts = [cut.name for cut in find_cuts(graph, "blocks")]
    images = torch.randn(2, 3, 32, 32)
    together = several(graph, (*cuts, LOGITS))(images)
    for cut, tensor in zip((*cuts, LOGITS), together, strict=True):
        assert torch.equal(tensor, several(graph, (cut,))(images)[0]), cut
    assert torch.equal(together[-1], graph.module(images))
