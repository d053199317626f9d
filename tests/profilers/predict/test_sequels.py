"""Kernels of stages, described without cutting out what lies in a graph."""

from splitsearch.profilers.predict.describe import operators_of
from splitsearch.profilers.predict.fuse import sequel_of
from splitsearch.profilers.predict.sequels import Sequels
from splitsearch.spaces.assemble import assemble, whole_on_device
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants


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
