"""Kernels of stages, described without cutting out what lies in a graph."""

from dataclasses import replace

import pytest
from torch import nn

from splitsearch.profilers.predict.describe import operators_of
from splitsearch.profilers.predict.fuse import RUNTIMES, sequel_of
from splitsearch.profilers.predict.sequels import Sequels
from splitsearch.spaces.assemble import assemble, whole_on_device
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants, on_meta


def test_a_stretch_is_described_as_its_module_is(variants: Variants) -> None:
    config = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=4, image_size=32)
    sequels = Sequels("onnxruntime")
    for stage in (*assemble(config, variants).stages, *whole_on_device(variants.graph).stages):
        alone = sequel_of(operators_of(stage.module, stage.input_shape), "onnxruntime")
        assert sequels.of(stage) == alone


def test_lanes_are_described_with_what_joins_them(variants: Variants) -> None:
    from splitsearch.spaces.graph.cuts import find_cut
    from splitsearch.spaces.graph.part import GraphPart
    from splitsearch.spaces.model import Lanes, Stage

    cut = find_cut(variants.graph, "1.2")
    part = GraphPart(graph=variants.graph, until=cut)
    head = part.cut_out(shared=True)
    stage = Stage(
        name="head", site="device", build=lambda: Lanes([head, head], entry=None, leave=cut.shape),
        input_shape=(3, 32, 32), output_shape=(32, 8, 8), parts=(part, part),
    )  # fmt: skip
    kinds = [kernel.kind for kernel in Sequels("eager").of(stage).kernels]
    assert kinds.count("convolution") == 4
    assert kinds[-1] == "concat"


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("backbone", "cut"), [("resnet18", "layer2.1.relu_1"), ("mobilenet_v2", "features.6.add")])
def test_lanes_are_described_as_their_module_is(backbone: str, cut: str, runtime: str) -> None:
    variants = Variants.trace(backbone, on_meta(usual_module(backbone)), 64)
    sequels, seen = Sequels(runtime), 0
    for division, scope in ((2, "whole"), (4, "tail"), (2, "head")):
        config = SplitConfig(
            backbone=backbone, cut=cut, head="original", channels=4, bits=8, image_size=64, division=division,
            division_scope=scope,
        )  # fmt: skip
        for stage in assemble(config, variants).stages:
            if len(stage.parts) > 1:
                traced = sequel_of(operators_of(stage.module.eval(), stage.input_shape), runtime)
                assert sequels.of(replace(stage, build=never)) == traced
                seen += 1
    assert seen == 4


def never() -> nn.Module:
    raise AssertionError("built")
