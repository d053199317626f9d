"""The hash tells structures apart, and nothing else."""

import copy

import pytest
import torch
from torch import nn

from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.graph.trace import TracedGraph, trace
from splitsearch.spaces.variants.variants import on_meta


def test_weights_names_and_devices_do_not_count(network: nn.Module, graph: TracedGraph) -> None:
    other = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(2)
    renamed = nn.Sequential()
    for place, layer in enumerate(other):
        renamed.add_module(f"layer{place}", layer)
    expected = structure_hash(graph)
    assert len(expected) == 64
    for same in (other, renamed.eval(), on_meta(network)):
        assert structure_hash(trace(same, graph.image_size)) == expected


@pytest.mark.parametrize("place", [0, 1, 2])
def test_settings_and_sizes_count(place: int, network: nn.Module, graph: TracedGraph) -> None:
    other = copy.deepcopy(network)
    block = other[place]
    block[0].padding = (2, 2)
    assert structure_hash(trace(other, graph.image_size)) != structure_hash(graph)


def test_the_image_size_counts(network: nn.Module, graph: TracedGraph) -> None:
    assert structure_hash(trace(network, graph.image_size + 16)) != structure_hash(graph)
