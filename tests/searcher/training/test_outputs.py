"""Outputs of a trained candidate, and what candidates are worth by them."""

from dataclasses import replace

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.outputs import Outputs, judge, outputs_of
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants

BASE = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=4, image_size=32, exit_cut="0.2")


@pytest.fixture
def model(variants: Variants) -> SplitModel:
    torch.manual_seed(0)
    return assemble(BASE, variants)


def test_an_exit_curve_in_closed_form(model: SplitModel) -> None:
    sure, unsure = [4.0, 0.0], [0.1, 0.0]
    outputs = Outputs(
        labels=torch.tensor([0, 1, 0, 1]),
        final={4: torch.tensor([[0.0, 1.0]] * 4)},
        sizes={(4, "none"): torch.full((4,), 100.0, dtype=torch.float64)},
        early=torch.tensor([sure, sure, unsure, unsure]),
    )
    found = judge(BASE, model, outputs)  # two leave, one of them rightly; of the others one is right
    assert (found.accuracy, found.exit_rate, found.payload_bytes) == (0.5, 0.5, 50.0)
    nobody = judge(replace(BASE, exit_threshold=1.0), model, outputs)
    assert (nobody.accuracy, nobody.exit_rate, nobody.payload_bytes) == (0.5, 0.0, 100.0)
    everybody = judge(replace(BASE, exit_threshold=0.0), model, outputs)
    assert (everybody.accuracy, everybody.exit_rate, everybody.payload_bytes) == (0.5, 1.0, 0.0)
    fused = judge(replace(BASE, exit_threshold=1.0, exit_fusion=0.5), model, outputs)
    assert fused.accuracy == 0.5  # the sure ones turn, one into right and one into wrong


@torch.no_grad()
def test_arithmetic_and_the_wire_agree_bit_for_bit(model: SplitModel, data: Dataset, variants: Variants) -> None:
    store = Activations(variants, data.val.images)
    student = Student(config=BASE, model=model, activations=store)
    for stage in model.stages:
        stage.module.eval()
    kinds = [(bits, "none") for bits in (1, 3, 8, 16, 32)]
    sent = outputs_of(student, data.val.labels, kinds)
    computed = outputs_of(student, data.val.labels, kinds, wire=False)
    for kind in kinds:
        assert torch.equal(sent.final[kind[0]], computed.final[kind[0]])
        assert torch.equal(sent.sizes[kind], computed.sizes[kind])


@torch.no_grad()
def test_some_images_give_what_they_give_among_all(model: SplitModel, data: Dataset, variants: Variants) -> None:
    student = Student(config=BASE, model=model, activations=Activations(variants, data.val.images))
    chosen = torch.tensor([3, 8, 21])
    some = outputs_of(student, data.val.labels, [(4, "none")], indices=chosen)
    everything = outputs_of(student, data.val.labels, [(4, "none")])
    assert torch.allclose(some.final[4], everything.final[4][chosen], atol=1e-5)
    assert torch.equal(some.labels, data.val.labels[chosen])
