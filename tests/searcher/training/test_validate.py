"""Validation goes through the wire."""

import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.validate import validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.bottleneck.payload import Quantiser, payload_bytes
from splitsearch.spaces.config import SplitConfig
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
