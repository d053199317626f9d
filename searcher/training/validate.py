"""Accuracy and payload of a trained candidate, on images that nothing was trained on, through the real wire format."""

from dataclasses import dataclass

import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.loops import correct
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.bottleneck.payload import pack, unpack
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.exits import confidence, fuse
from splitsearch.spaces.model import SplitModel

__all__ = ["Validation", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was measured.

    Attributes:
        accuracy: top-1 in [0, 1], of whoever answers.
        images: how many.
        payload_bytes: mean length of what `pack` returned; an image that left at the exit sends nothing.
        exit_rate: share of the images that left at the exit, in [0, 1]; None without an exit.
    """

    accuracy: float
    images: int
    payload_bytes: float
    exit_rate: float | None = None


@torch.no_grad()
def validate(config: SplitConfig, model: SplitModel, data: Dataset, activations: Activations) -> Validation:
    """Runs every validation image through the device's side, `pack`, `unpack` and the server's side.

    Args:
        config: the candidate.
        model: its trained stages.
        data: its validation images are used.
        activations: of those validation images.
    """
    student = Student(config=config, model=model, activations=activations)
    sizes: list[int] = []
    left: list[bool] = []

    def logits_of(indices: torch.Tensor) -> torch.Tensor:
        narrow, exit_input = student.narrow(indices)
        payloads = [pack(image, config.bits, config.coding) for image in narrow]
        received = torch.stack([unpack(payload, tuple(narrow.shape[1:])) for payload in payloads])
        final = student.logits(received)
        if model.exit is None:
            sizes.extend(map(len, payloads))
            return final
        early = model.exit.stage.module(exit_input)
        leaves = confidence(early, model.exit.confidence) >= model.exit.threshold
        left.extend(leaves.tolist())
        sizes.extend(0 if leaving else len(payload) for payload, leaving in zip(payloads, leaves, strict=True))
        return torch.where(leaves[:, None], early, fuse(early, final, model.exit.fusion))

    hits = correct(logits_of, data.val.labels)
    return Validation(
        accuracy=float(hits.float().mean()),
        images=len(hits),
        payload_bytes=sum(sizes) / len(sizes),
        exit_rate=sum(left) / len(left) if model.exit is not None else None,
    )
