"""Validation goes through the wire."""

from dataclasses import replace

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.validate import sweep, validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.bottleneck.payload import Quantiser, payload_bytes
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.variants.variants import Variants


@torch.no_grad()
def test_accuracy_and_bytes_are_those_of_the_received_payload(variants: Variants, data: Dataset) -> None:
    torch.manual_seed(0)
    config = SplitConfig(backbone="net", cut="1.2", head="mimic", channels=2, bits=3, image_size=32)
    model = assemble(config, variants)
    for stage in model.stages:
        stage.module.eval()
    found = validate(config, model, data, Activations(variants, data.val.images))
    encoder, decoder, tail = (stage.module for stage in model.stages)
    logits = tail(decoder(Quantiser(3)(encoder(normalise(data.val.images)))))
    assert found.accuracy == float((logits.argmax(1) == data.val.labels).float().mean())
    assert (found.images, found.payload_bytes) == (40, payload_bytes(2 * 8 * 8, 3))


@torch.no_grad()
@pytest.mark.parametrize(("threshold", "rate"), [(0.0, 1.0), (1.0, 0.0)])
def test_who_leaves_at_the_exit_sends_nothing(variants: Variants, data: Dataset, threshold: float, rate: float) -> None:
    torch.manual_seed(0)
    config = SplitConfig(
        backbone="net",
        cut="1.2",
        head="original",
        channels=2,
        bits=4,
        image_size=32,
        exit_cut="0.2",
        exit_threshold=threshold,
    )
    model = assemble(config, variants)
    for stage in model.stages:
        stage.module.eval()
    found = validate(config, model, data, Activations(variants, data.val.images))
    assert found.exit_rate == rate
    assert found.payload_bytes == (1 - rate) * payload_bytes(2 * 8 * 8, 4)
    assert model.exit is not None
    head = model.stage("head")
    assert head is not None
    early = model.exit.stage.module(head.module(normalise(data.val.images)))
    final = model.stages[-1].module(model.stages[-2].module(Quantiser(4)(_narrow(model, data))))
    answers = early if rate else final
    assert found.accuracy == float((answers.argmax(1) == data.val.labels).float().mean())


def _narrow(model: SplitModel, data: Dataset) -> torch.Tensor:
    x = normalise(data.val.images)
    for stage in model.at("device"):
        x = stage.module(x)
    return x


@torch.no_grad()
def test_coded_payloads_are_shorter_and_mean_the_same(variants: Variants, data: Dataset) -> None:
    torch.manual_seed(0)
    plain = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=4, image_size=32)
    coded = replace(plain, coding="zstd")
    model = assemble(plain, variants)
    for stage in model.stages:
        stage.module.eval()
    store = Activations(variants, data.val.images)
    first, second = validate(plain, model, data, store), validate(coded, model, data, store)
    assert second.accuracy == first.accuracy
    assert second.payload_bytes <= first.payload_bytes


@torch.no_grad()
def test_a_sweep_gives_exactly_what_separate_validations_give(variants: Variants, data: Dataset) -> None:
    torch.manual_seed(0)
    base = SplitConfig(
        backbone="net",
        cut="1.2",
        head="original",
        channels=2,
        bits=8,
        image_size=32,
        exit_cut="0.2",
        exit_threshold=0.2,
    )
    model = assemble(base, variants)
    for stage in model.stages:
        stage.module.eval()
    store = Activations(variants, data.val.images)
    family = [
        replace(base, bits=bits, coding=coding, exit_threshold=threshold, exit_confidence=kind, exit_fusion=fusion)
        for bits, coding in ((1, "none"), (2, "zstd"), (8, "none"), (8, "zstd"), (32, "none"))
        for threshold, kind, fusion in (
            (0.2, "max", 0.0),
            (0.15, "max", 0.6),
            (0.01, "margin", 0.0),
            (0.1, "entropy", 0.2),
        )
    ]
    runs: list[int] = []
    handle = model.stages[-1].module.register_forward_hook(lambda *_: runs.append(1))
    swept = sweep(family, model, data, store)
    assert len(runs) == 4  # one pass through the tail for each bit-width, however many candidates
    handle.remove()
    assert swept == [validate(config, model, data, store) for config in family]
    assert len({round(found.accuracy, 3) for found in swept}) > 1
    assert len({found.exit_rate for found in swept}) > 2
