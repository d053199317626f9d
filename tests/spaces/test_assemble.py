"""From configurations to modules."""

import pytest
import torch

from splitsearch.spaces.assemble import assemble, server_only, whole_on_device
from splitsearch.spaces.config import HeadKind, SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants


def config(head: HeadKind = "original", channels: int = 4, cut: str = "1.2") -> SplitConfig:
    return SplitConfig(backbone="net", cut=cut, head=head, channels=channels, bits=8, image_size=32)


@pytest.mark.parametrize(("head", "names"), [("original", ["head", "encoder"]), ("mimic", ["encoder"])])
def test_a_candidate_runs_from_image_to_logits(variants: Variants, head: HeadKind, names: list[str]) -> None:
    model = assemble(config(head), variants)
    assert [stage.name for stage in model.stages] == [*names, "decoder", "tail"]
    crossing = model.crossing
    assert crossing is not None
    assert (crossing.name, crossing.output_shape, crossing.bits) == ("encoder", (4, 8, 8), 8)
    for stage in model.stages:
        stage.module.eval()
    assert model.run(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_head_and_tail_share_the_backbones_parameters(variants: Variants, graph: TracedGraph) -> None:
    stage = assemble(config(), variants).stage("tail")
    assert stage is not None
    own = {id(parameter) for parameter in graph.module.parameters()}
    assert {id(parameter) for parameter in stage.module.parameters()} <= own


def test_a_bottleneck_wider_than_the_tensor_is_infeasible(variants: Variants) -> None:
    with pytest.raises(InfeasibleError, match="channels 17 is above the 16 channels"):
        assemble(config(channels=17), variants)


def test_an_unknown_cut_is_the_users_error(variants: Variants) -> None:
    with pytest.raises(UserError, match="no cut 'nowhere'"):
        assemble(config(cut="nowhere"), variants)


def test_the_extremes(graph: TracedGraph) -> None:
    x = torch.randn(2, 3, 32, 32)
    assert whole_on_device(graph).crossing is None
    crossing = server_only(graph).crossing
    assert crossing is not None
    assert (crossing.output_shape, crossing.bits) == ((3, 32, 32), 8)
    assert torch.equal(server_only(graph).run(x), whole_on_device(graph).run(x))
