"""Starting from a trained neighbour."""

from dataclasses import replace

import torch

from splitsearch.searcher.training.neighbour import nearest, take_over
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants

BASE = SplitConfig(backbone="net", cut="1.2", head="original", channels=4, bits=8, image_size=32)


def tensors(model: SplitModel) -> dict[str, torch.Tensor]:
    return {
        f"{stage.name}.{key}": value.clone()
        for stage in model.stages
        if not stage.original
        for key, value in stage.module.state_dict().items()
    }


def test_the_nearest_differs_in_channels_alone_besides_what_needs_no_training() -> None:
    others = [replace(BASE, channels=channels) for channels in (1, 2, 8, 16)]
    assert nearest(BASE, others) == others[1], "as near as 8, and narrower"
    assert nearest(BASE, others[2:]) == others[2]
    assert nearest(BASE, [replace(BASE, channels=3, bits=2, coding="zstd")]) is not None
    strangers = [replace(BASE, cut="0.2"), replace(BASE, head="mimic"), replace(BASE, tail_pruning=0.5)]
    assert nearest(BASE, strangers) is None


def test_what_both_have_is_taken_over_and_the_rest_stays(variants: Variants) -> None:
    for own, other in ((4, 2), (4, 8), (2, 2)):
        torch.manual_seed(own)
        model = assemble(replace(BASE, channels=own), variants, 1)
        torch.manual_seed(other + 10)
        given, before = tensors(assemble(replace(BASE, channels=other), variants, 2)), tensors(model)
        take_over(model, given)
        common, after = min(own, other), tensors(model)
        weight = "encoder.project.weight"
        assert torch.equal(after[weight][:common], given[weight][:common])
        assert torch.equal(after[weight][common:], before[weight][common:])
        linear = "decoder.linear.weight"
        assert torch.equal(after[linear][:, :common], given[linear][:, :common])
        assert torch.equal(after[linear][:, common:], before[linear][:, common:])
        assert torch.equal(after["decoder.linear.bias"], given["decoder.linear.bias"])


def test_strangers_are_left_out_and_the_backbone_s_own_parts_untouched(variants: Variants) -> None:
    model = assemble(BASE, variants)
    before = [value.clone() for value in variants.module.state_dict().values()]
    own = tensors(model)
    ones = {"encoder.project.bias": torch.ones(1, 1), "tail.5.weight": torch.ones(10, 16), "unknown": torch.ones(1)}
    take_over(model, ones)
    assert all(torch.equal(own[name], value) for name, value in tensors(model).items())
    assert all(torch.equal(a, b) for a, b in zip(before, variants.module.state_dict().values(), strict=True))
