"""What both halves said about every image: computed once, so that every threshold of an exit is known without a run."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.deploy.crossing import Arrays, packed, received
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.runtimes import Half
from splitsearch.searcher.training.loops import Progress, silent
from splitsearch.spaces.config import SplitConfig

__all__ = ["Outcomes", "Pair", "run_halves"]

_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both halves of one candidate in some runtime.

    Attributes:
        head: runs on images.
        tail: runs on what was received.
        config: the candidate.
        shape: (channels, h, w) of the tensor that crosses.
    """

    head: Head
    tail: Half
    config: SplitConfig
    shape: tuple[int, ...]

    def receive(self, outputs: Arrays) -> tuple[list[bytes], Arrays]:
        """The payloads of a head's outputs, and what the tail makes its input of."""
        payloads = packed(outputs, self.config)
        return payloads, received(payloads, self.shape, self.config.bits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """Answers on labelled images.

    Attributes:
        labels: (N,) int64.
        final: logits (N, K) of the full branch, the exit's share fused in.
        payload_bytes: (N,) length of each payload, whether or not it would be sent.
        early: logits (N, K) of the exit; None without one.
        confidence: (N,) of the exit in [0, 1]; None without one.
    """

    labels: NDArray[np.int64]
    final: NDArray[np.float32]
    payload_bytes: NDArray[np.int64]
    early: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None

    def leaves(self, threshold: float | None) -> NDArray[np.bool_]:
        """Which images the device answers alone, (N,); none without an exit."""
        if self.confidence is None or threshold is None:
            return np.zeros(len(self.labels), dtype=np.bool_)
        return np.asarray(self.confidence >= threshold)

    def logits(self, threshold: float | None) -> NDArray[np.float32]:
        """The answers (N, K), of whoever gives them."""
        if self.early is None:
            return self.final
        return np.where(self.leaves(threshold)[:, None], self.early, self.final)

    def hits(self, threshold: float | None) -> NDArray[np.bool_]:
        """Whether each image is classified rightly, (N,)."""
        return np.asarray(self.logits(threshold).argmax(1) == self.labels)


def run_halves(pair: Pair, part: Split, progress: Progress = silent) -> Outcomes:
    """Runs every image through the head, the payload as bytes, and the tail.

    Args:
        pair: the halves.
        part: labelled images of the candidate's size.
        progress: hears how many images of how many are done.
    """
    rows: dict[str, list[NDArray[np.float32]]] = {"final": [], "early": [], "confidence": []}
    sizes: list[int] = []
    for images in _batches(part.images):
        outputs = pair.head({IMAGE: images})
        payloads, inputs = pair.receive(outputs)
        sizes += map(len, payloads)
        final = pair.tail(inputs)["logits"]
        if "exit_logits" in outputs:
            rows["early"].append(outputs["exit_logits"])
            rows["confidence"].append(outputs["exit_confidence"])
            final = final + np.float32(pair.config.exit_fusion) * outputs["exit_logits"]
        rows["final"].append(final)
        progress("images", len(sizes), len(part))
    joined = {name: np.concatenate(found) for name, found in rows.items() if found}
    labels = part.labels.numpy()
    return Outcomes(labels=labels, payload_bytes=np.array(sizes, dtype=np.int64), **joined)


def _batches(images: torch.Tensor) -> Iterator[NDArray[np.float32]]:
    for chunk in torch.split(images, _BATCH):
        yield normalise(chunk).numpy()
