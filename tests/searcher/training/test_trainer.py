"""Copies of what all candidates share."""

import torch

from splitsearch.searcher.training.trainer import own_copies
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants


def test_only_the_named_stages_of_the_backbone_are_copied(variants: Variants) -> None:
    config = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32, exit_cut="0.2")
    model = assemble(config, variants)
    own = own_copies(model, ("tail", "encoder"))
    for stage, copied in zip(model.stages, own.stages, strict=True):
        assert (copied.module is stage.module) == (stage.name != "tail")
    tail, copied_tail = model.stage("tail"), own.stage("tail")
    assert tail is not None
    assert copied_tail is not None
    assert not copied_tail.original
    shared = {id(weight) for weight in tail.module.parameters()}
    assert all(id(weight) not in shared for weight in copied_tail.module.parameters())
    x = torch.randn(2, *tail.input_shape)
    assert torch.equal(tail.module(x), copied_tail.module(x))
