"""Accuracy and payload of a trained candidate, on images that nothing was trained on, through the real wire format."""

from dataclasses import dataclass

import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import encoder_inputs
from splitsearch.searcher.training.loops import correct
from splitsearch.spaces.bottleneck.payload import pack, unpack
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["Validation", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was measured.

    Attributes:
        accuracy: top-1 in [0, 1].
        images: how many.
        payload_bytes: mean length of what `pack` returned.
    """

    accuracy: float
    images: int
    payload_bytes: float


@torch.no_grad()
def validate(config: SplitConfig, model: SplitModel, data: Dataset, activations: Activations) -> Validation:
    """Runs every validation image through encoder, `pack`, `unpack`, decoder and tail.

    Args:
        config: the candidate.
        model: its trained stages.
        data: its validation images are used.
        activations: of those validation images.
    """
    encoder, decoder, tail = (stage.module for name in ("encoder", "decoder", "tail") if (stage := model.stage(name)))
    sizes: list[int] = []

    def logits_of(indices: torch.Tensor) -> torch.Tensor:
        narrow = encoder(encoder_inputs(config, data.val.images, activations, indices))
        payloads = [pack(image, config.bits) for image in narrow]
        sizes.extend(map(len, payloads))
        received = torch.stack([unpack(payload, tuple(narrow.shape[1:])) for payload in payloads])
        result: torch.Tensor = tail(decoder(received))
        return result

    hits = correct(logits_of, data.val.labels)
    return Validation(accuracy=float(hits.float().mean()), images=len(hits), payload_bytes=sum(sizes) / len(sizes))
