"""Places that several tensors cross: the published rows of DenseNet-169, and what defines them."""

import math

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.spaces.graph.crossings import _live_sets, find_crossings
from splitsearch.spaces.graph.cuts import find_cut, find_cuts
from splitsearch.spaces.graph.trace import TracedGraph, trace

PIXELS = 3 * 224 * 224


def on_meta(name: str, size: int = 224) -> TracedGraph:
    with torch.device("meta"):
        module = get_model(name, weights=None)
    return trace(module, size)


@pytest.fixture(scope="module")
def densenet() -> TracedGraph:
    return on_meta("densenet169")


# The natural splittable points of DenseNet-169 that HND's authors list (module, shape, ratio to the image): one tensor.
SINGLE = [
    ("features.transition1.pool", (128, 28, 28), 0.6667),
    ("features.transition2.pool", (256, 14, 14), 0.3333),
    ("features.transition3.conv", (640, 14, 14), 0.8333),
    ("features.transition3.pool", (640, 7, 7), 0.2083),
    ("features.norm5", (1664, 7, 7), 0.5417),
    ("relu", (1664, 7, 7), 0.5417),
    ("adaptive_avg_pool2d", (1664, 1, 1), 0.0111),
    ("classifier", (1000,), 0.0066),
]
# Their rows of dense layers are concatenations, (channels, side, ratio); the traced layers keep the parts apart.
LAYERS = [
    ("features.denseblock2.denselayer1", 2, 160, 28, 0.8333),
    *((f"features.denseblock3.denselayer{k}", k + 1, 256 + 32 * k, 14, (256 + 32 * k) / 768) for k in range(1, 16)),
    *((f"features.denseblock4.denselayer{k}", k + 1, 640 + 32 * k, 7, (640 + 32 * k) / 3072) for k in range(1, 33)),
]


@pytest.mark.parametrize(("name", "shape", "ratio"), SINGLE)
def test_the_natural_cuts_of_densenet(densenet: TracedGraph, name: str, shape: tuple[int, ...], ratio: float) -> None:
    cut = find_cut(densenet, name)
    assert (cut.name, cut.shape) == (name, shape)
    assert cut.input_ratio == pytest.approx(ratio, abs=5e-5)
    assert cut.elements == math.prod(shape)


def test_the_dense_layers_of_densenet_are_crossings_of_as_many_elements(densenet: TracedGraph) -> None:
    assert len(LAYERS) == 1 + 15 + 32
    found = {crossing.name: crossing for crossing in find_crossings(densenet)}
    for path, tensors, channels, side, ratio in LAYERS:
        crossing = found[f"{path}.conv2"]
        assert len(crossing.nodes) == tensors, path
        assert crossing.elements == channels * side * side, path
        assert {shape[1:] for shape in crossing.shapes} == {(side, side)}, path
        assert crossing.input_ratio == pytest.approx(ratio, abs=5e-5), path


def test_the_first_and_last_published_ratios(densenet: TracedGraph) -> None:
    """The two ends of each row of the table, as printed there."""
    found = {crossing.name: crossing for crossing in find_crossings(densenet)}
    ends = {"3.denselayer1": 0.3750, "3.denselayer15": 0.9583, "4.denselayer1": 0.2188, "4.denselayer32": 0.5417}
    for layer, ratio in ends.items():
        assert found[f"features.denseblock{layer}.conv2"].input_ratio == pytest.approx(ratio, abs=5e-5)


def test_the_natural_points_are_all_that_is_smaller_than_the_image_at_layer_ends(densenet: TracedGraph) -> None:
    ends = [c for c in find_crossings(densenet) if c.name.endswith(".conv2") and c.elements < PIXELS]
    assert [c.name.removesuffix(".conv2") for c in ends] == [row[0] for row in LAYERS]


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "shufflenet_v2_x0_5", "vit_b_32", "swin_t"])
def test_where_one_tensor_is_live_there_is_a_cut_and_nowhere_else(name: str) -> None:
    """Liveness and dominance are two ways to the same places; views, which liveness leaves out, are extra cuts."""
    graph = on_meta(name)
    alone = {crossing[0].name for _, crossing in _live_sets(graph) if len(crossing) == 1}
    cuts = {cut.node for cut in find_cuts(graph, "all")}
    last = {last.name for last, crossing in _live_sets(graph) if len(crossing) == 1}
    assert alone - {graph.input.name} <= cuts
    assert cuts & {last.name for last, _ in _live_sets(graph)} <= alone | last


def test_a_shortcut_crosses_beside_its_block() -> None:
    crossings = {c.name: c for c in find_crossings(on_meta("resnet18", 64))}
    assert set(crossings) == {f"layer{k}.{b}.bn2" for k in range(1, 5) for b in range(2)} | {
        f"layer{k}.0.downsample.1" for k in range(2, 5)
    }
    inside = crossings["layer2.0.bn2"]
    assert inside.shapes == ((64, 16, 16), (128, 8, 8))
    assert inside.elements == 64 * 256 + 128 * 64
    assert inside.input_ratio == inside.elements / (3 * 64 * 64)


class Fork(nn.Module):
    """Two halves of one tensor; only one is worked on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.right, self.last = nn.Conv2d(3, 8, 1), nn.Conv2d(4, 6, 1), nn.Linear(10, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = self.stem(x).chunk(2, dim=1)
        joined = torch.cat([left, self.right(right)], 1)
        return self.last(joined.mean((2, 3)))


def test_of_a_tensor_and_its_views_the_smaller_crosses() -> None:
    (crossing,) = find_crossings(trace(Fork().eval(), 4))
    assert (crossing.name, crossing.shapes) == ("right", ((4, 4, 4), (6, 4, 4)))


def test_how_many_tensors_may_cross_is_a_choice(densenet: TracedGraph) -> None:
    every, few = find_crossings(densenet), find_crossings(densenet, 3)
    assert max(len(c.nodes) for c in every) == 33  # the map that enters the last block, and its 32 layers
    assert {len(c.nodes) for c in few} == {2, 3}
    assert set(few) == {c for c in every if len(c.nodes) <= 3}
    assert len({(c.nodes) for c in every}) == len(every)
