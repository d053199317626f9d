"""Stretches of a network."""

import pytest
import torch
from torchvision import models

from splitsearch.spaces.graph.cuts import find_cut
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.graph.trace import TracedGraph, trace


@pytest.fixture(scope="module")
def resnet() -> TracedGraph:
    return trace(models.resnet18(weights=None), 64)


def test_stretches_make_up_the_whole(resnet: TracedGraph) -> None:
    early, late = find_cut(resnet, "layer1"), find_cut(resnet, "layer3")
    parts = (
        GraphPart(graph=resnet, until=early),
        GraphPart(graph=resnet, after=early, until=late),
        GraphPart(graph=resnet, after=late),
    )
    x = torch.rand(2, 3, 64, 64)
    found = x
    with torch.no_grad():
        for part in parts:
            found = part.cut_out(shared=False)(found)
            assert tuple(found.shape[1:]) == part.output_shape
        assert torch.equal(found, resnet.module(x))
    names = [node.name for node in resnet]
    assert sorted(name for part in parts for name in part.nodes) == sorted(names)


def test_shared_stretches_are_one_module(resnet: TracedGraph) -> None:
    part = GraphPart(graph=resnet, until=find_cut(resnet, "layer2"))
    assert part.cut_out(shared=True) is part.cut_out(shared=True)
    assert part.cut_out(shared=False) is not part.cut_out(shared=False)


def test_without_ends_it_is_the_whole(resnet: TracedGraph) -> None:
    assert GraphPart(graph=resnet).cut_out(shared=True) is resnet.module
    assert GraphPart(graph=resnet).output_shape == (1000,)
