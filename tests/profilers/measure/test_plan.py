"""What is measured of a backbone."""

import pytest
import torch
from torch import nn

from splitsearch.profilers.measure.plan import Block, Extent, Item, Slice, backbone_items, sides, teaching_items
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.variants.variants import Variants


def test_every_cut_has_a_head_and_a_tail(variants: Variants) -> None:
    items, described = backbone_items(variants)
    cuts = find_cuts(variants.graph, "blocks")
    assert [row["cut"] for row in described["cuts"]] == [cut.name for cut in cuts]
    assert described["graph"] == structure_hash(variants.graph)
    assert len(items) == 2 * len(cuts) - 1  # nothing is left behind the logits, and the head there is the whole
    last = described["cuts"][-1]
    assert (last["head"], last["tail"]) == (described["whole"], None)
    assert len({item.name for item in items}) == len(items)
    assert [item.profile for item in items] == [True] + [False] * (len(items) - 1)


def test_head_and_tail_make_the_whole(variants: Variants) -> None:
    items, described = backbone_items(variants)
    by_name = {item.name: item for item in items}
    image = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = by_name[described["whole"]].graph_module(image)
        for row in described["cuts"][:-1]:
            head, tail = by_name[row["head"]], by_name[row["tail"]]
            assert head.input_shape == (3, 32, 32)
            assert list(tail.input_shape) == row["shape"]
            assert torch.allclose(tail.graph_module(head.graph_module(image)), expected, atol=1e-6)


def test_the_backbones_own_parts_of_a_candidate_are_slices(variants: Variants) -> None:
    cut = find_cuts(variants.graph, "blocks")[1]
    config = SplitConfig(backbone="net", cut=cut.name, head="original", channels=4, bits=8, image_size=32)
    model = assemble(config, variants)
    device, server = sides(config, model, variants)
    assert [type(piece) for piece in device.pieces] == [Slice, Block]
    assert [type(piece) for piece in server.pieces] == [Block, Slice]
    assert (device.site, server.site) == ("device", "server")
    image = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        narrow = device.graph_module(image)
        assert tuple(narrow.shape[1:]) == server.input_shape
        assert torch.allclose(server.graph_module(narrow), model.run(image), atol=1e-6)


@pytest.mark.parametrize("changes", [{"tail_pruning": 0.5}, {"resolution": 0.5}, {"head": "mimic"}])
def test_whatever_is_changed_is_a_block(changes: dict[str, object], variants: Variants) -> None:
    cut = find_cuts(variants.graph, "blocks")[1]
    fields = {"backbone": "net", "cut": cut.name, "head": "original", "channels": 4, "bits": 8, "image_size": 32}
    config = SplitConfig(**(fields | changes))  # type: ignore[arg-type]
    model = assemble(config, variants)
    items = sides(config, model, variants)
    assert any(isinstance(piece, Block) for item in items for piece in item.pieces)
    x = torch.randn(1, *items[0].input_shape)
    with torch.no_grad():
        for item in items:
            x = item.graph_module(x)
    assert x.shape == (1, 10)


def test_parts_that_teach() -> None:
    residual = Variants.trace("resnet18", usual_module("resnet18"), 64)
    items = teaching_items(residual, Extent(variants=9, encoders=3, decoders=2, candidates=2), seed=0)
    names = [item.name for item in items]
    assert len(set(names)) == len(names)
    variants = [name for name in names if name.startswith("variant")]
    assert {name.split()[1] for name in variants} >= {"width", "nets", "pruned", "side"}
    assert sum(name.startswith("encoder") for name in names) == 3
    assert sum(name.startswith("decoder") for name in names) == 2
    assert all(item.profile is (item.config is None) for item in items)
    assert [item.site for item in items if item.config is not None] == ["device", "server"] * 2


def test_one_piece_is_its_own_graph(network: nn.Module, variants: Variants) -> None:
    piece = Slice(graph=variants.graph, start=None, end=None)
    assert Item(name="x", pieces=(piece,)).graph_module is variants.graph.module
