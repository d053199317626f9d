"""What a trained candidate gives for validation images, computed once for all that share its training.

The device's side runs once. The tail runs once for each bit-width. Exits, their thresholds and fusions, and codings
cost nothing more: they only choose among logits that are there.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch

from splitsearch.searcher.training.loops import EVALUATION_BATCH
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.bottleneck.payload import Quantiser, pack, payload_bytes, unpack
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.exits import confidence, fuse
from splitsearch.spaces.model import SplitModel

__all__ = ["Outputs", "Validation", "judge", "outputs_of"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Of N images.

    Attributes:
        labels: (N,) int64.
        final: bit-width to the logits (N, K) behind the wire.
        sizes: bit-width and coding to the payload's bytes (N,).
        early: logits (N, K) of the exit, None without one.
    """

    labels: torch.Tensor
    final: dict[int, torch.Tensor]
    sizes: dict[tuple[int, str], torch.Tensor]
    early: torch.Tensor | None


@torch.no_grad()
def outputs_of(
    student: Student,
    labels: torch.Tensor,
    wanted: Collection[tuple[int, str]],
    *,
    indices: torch.Tensor | None = None,
    wire: bool = True,
) -> Outputs:
    """Runs images through the device's side, the wire and the server's side.

    Args:
        student: the trained candidate, and the activations of the images.
        labels: of all images.
        wanted: bit-widths with codings.
        indices: of the images to run; None means all.
        wire: whether payloads are really packed and unpacked; else the same numbers come from arithmetic alone, which
            is what early rungs want, and lengths are upper bounds.
    """
    chosen = torch.arange(len(labels)) if indices is None else indices
    final: dict[int, list[torch.Tensor]] = {bits: [] for bits, _ in wanted}
    sizes: dict[tuple[int, str], list[int]] = {kind: [] for kind in wanted}
    early: list[torch.Tensor] = []
    for chunk in torch.split(chosen, EVALUATION_BATCH):
        narrow, features = student.narrow(chunk)
        if student.model.exit is not None:
            early.append(student.model.exit.stage.module(features).cpu())
        for bits, parts in final.items():
            codings = [coding for width, coding in sizes if width == bits]
            received, lengths = _sent(narrow.cpu(), bits, codings, wire=wire)
            parts.append(student.logits(received.to(narrow.device)).cpu())
            for coding, length in zip(codings, lengths, strict=True):
                sizes[bits, coding] += length
    return Outputs(
        labels=labels[chosen],
        final={bits: torch.cat(parts) for bits, parts in final.items()},
        sizes={kind: torch.tensor(lengths, dtype=torch.float64) for kind, lengths in sizes.items()},
        early=torch.cat(early) if early else None,
    )


def _sent(narrow: torch.Tensor, bits: int, codings: list[str], *, wire: bool) -> tuple[torch.Tensor, list[list[int]]]:
    """What the server receives, and the lengths of the payloads under each coding."""
    shape = tuple(narrow.shape[1:])
    if not wire:
        length = payload_bytes(narrow[0].numel(), bits)
        return Quantiser(bits)(narrow), [[length] * len(narrow)] * len(codings)
    payloads = [[pack(image, bits, coding) for image in narrow] for coding in codings]
    # Codings lose nothing: whichever is unpacked, the same numbers come out.
    received = torch.stack([unpack(payload, shape) for payload in payloads[0]])
    # In the order in memory that the tail is fed in elsewhere: equal numbers, and equal rounding behind them.
    return torch.empty_like(narrow).copy_(received), [[len(payload) for payload in packed] for packed in payloads]


def judge(config: SplitConfig, model: SplitModel, outputs: Outputs) -> Validation:
    """What a candidate is worth, from outputs of any that shares its training.

    Args:
        config: the candidate.
        model: it, or one that shares its training.
        outputs: with the bit-width and coding of the candidate.
    """
    final, sizes = outputs.final[config.bits], outputs.sizes[config.bits, config.coding]
    answers, leaves = final, None
    if model.exit is not None:
        assert outputs.early is not None
        leaves = confidence(outputs.early, config.exit_confidence) >= config.exit_threshold
        answers = torch.where(leaves[:, None], outputs.early, fuse(outputs.early, final, config.exit_fusion))
        sizes = torch.where(leaves, 0.0, sizes)
    return Validation(
        accuracy=float((answers.argmax(1) == outputs.labels).float().mean()),
        images=len(outputs.labels),
        payload_bytes=float(sizes.mean()),
        exit_rate=None if leaves is None else float(leaves.double().mean()),
    )
