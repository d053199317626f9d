"""What is known of a graph dies with it."""

import gc
import weakref

import pytest
from torch import nn

from splitsearch.spaces.graph.cuts import find_cut, find_cuts, split_at
from splitsearch.spaces.graph.memo import once_per_graph
from splitsearch.spaces.graph.trace import TracedGraph, trace


def small() -> TracedGraph:
    return trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)), 8)


def test_a_result_is_found_once_for_each_graph_and_argument() -> None:
    calls = []

    @once_per_graph
    def names(graph: TracedGraph, which: str = "all") -> str:
        calls.append(which)
        return which

    first, second = small(), small()
    assert names(first) == names(first) == names(second) == "all"
    assert names(first, "some") == names(first, which="some") == "some"
    assert calls == ["all", "all", "some", "some"]


def test_a_failure_is_not_kept() -> None:
    @once_per_graph
    def fails(graph: TracedGraph) -> None:
        raise ValueError("no")

    graph = small()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fails(graph)


def test_nothing_keeps_a_graph_and_its_weights_alive() -> None:
    graph = small()
    split_at(graph, find_cut(graph, find_cuts(graph)[0].name))
    watched = weakref.ref(graph), weakref.ref(next(iter(graph.module.parameters())))
    del graph
    gc.collect()
    assert [ref() for ref in watched] == [None, None]
