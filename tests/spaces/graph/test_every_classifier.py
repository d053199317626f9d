"""Every cut of every torchvision classifier: all are found, and head and tail equal the whole."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn
from torchvision import models

from splitsearch.spaces.backbones.loading import meta_backbone
from splitsearch.spaces.backbones.torchvision import torchvision_names
from splitsearch.spaces.graph.crossings import find_crossings
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.trace import trace

NATURAL = {"inception_v3": 299}  # all others: 224
# Images small enough for seconds each, 32 pixels where the network allows them: these need more, and the
# windows of maxvit divide nothing below 224.
LEAST = {"alexnet": 64, "inception_v3": 96, "maxvit_t": 224, "squeezenet1_0": 64, "squeezenet1_1": 64, "vit_h_14": 28}


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_every_classifier_is_traced_at_its_natural_size(name: str) -> None:
    graph = trace(meta_backbone(name, 1000), NATURAL.get(name, 224))
    assert graph.opaque == {}
    assert graph.shapes[graph.output.name] == (1000,)
    every, blocks, stages = (find_cuts(graph, which) for which in ("all", "blocks", "stages"))
    assert {cut.name for cut in stages} < {cut.name for cut in blocks} < {cut.name for cut in every}
    assert every[-1] == blocks[-1]
    assert every[-1].node == graph.output.name
    assert len(stages) >= 3
    assert all(len(crossing.nodes) > 1 for crossing in find_crossings(graph))


def network(name: str, size: int) -> nn.Module:
    extra: dict[str, Any] = {"image_size": size} if name.startswith("vit_") else {}
    if name in ("googlenet", "inception_v3"):
        extra = {"aux_logits": False, "init_weights": False}
    module: nn.Module = models.get_model(name, weights=None, **extra)
    return module


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "densenet121",
        "mobilenet_v3_small",
        "regnet_y_400mf",
        "shufflenet_v2_x0_5",
        "squeezenet1_1",
        "swin_t",
    ],
)
def test_head_and_tail_equal_the_whole_at_every_cut(name: str, identity: Callable[..., int]) -> None:
    assert identity(network(name, 64), 64) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_head_and_tail_equal_the_whole_at_every_cut_of_every_classifier(
    name: str, identity: Callable[..., int], quickly: Callable[..., nn.Module]
) -> None:
    size = LEAST.get(name, 32)
    assert identity(quickly(lambda: network(name, size)), size) > 10
