"""Activations are computed once, and equal what the head gives."""

import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations
from splitsearch.spaces.graph.cuts import find_cut, split_at
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants


@torch.no_grad()
def test_kept_or_computed_they_are_the_heads(variants: Variants, graph: TracedGraph, data: Dataset) -> None:
    indices = torch.tensor([5, 3, 99])
    head, _ = split_at(graph, find_cut(graph, "1.2"))
    expected = head(normalise(data.train.images[indices]))
    for limit in (2**30, 0):
        found = Activations(variants, data.train.images, max_bytes=limit).at("1.2", indices)
        torch.testing.assert_close(found, expected)


def test_the_least_recently_used_cut_makes_room(variants: Variants, graph: TracedGraph, data: Dataset) -> None:
    one = find_cut(graph, "0.2").elements * 4 * len(data.train.labels)
    store = Activations(variants, data.train.images, max_bytes=one)
    some = torch.arange(2)
    store.at("0.2", some)
    store.at("1.2", some)
    assert list(store._kept) == [("1.2", 32)]
    store.at("2.2", some)
    assert list(store._kept) == [("1.2", 32), ("2.2", 32)]
