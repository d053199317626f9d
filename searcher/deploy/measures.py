"""What is told of answers on labelled images: accuracy, calibration, bytes, and what every threshold would give."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splitsearch.searcher.deploy.costs import expected_latency_ms
from splitsearch.searcher.deploy.outcomes import Outcomes
from splitsearch.searcher.engine.statistics import wilson_interval

__all__ = ["BINS", "Threshold", "answers_document", "calibration_error", "exit_curve", "payload_document", "thin"]

BINS = 15
"""Of equal width, as Guo et al. (ICML 2017) take them."""

_POINTS = 101  # of a curve that is shown


def calibration_error(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Expected calibration error in [0, 1] (Guo et al., 2017, equation 3), with `BINS` bins.

    Args:
        logits: (N, K).
        labels: (N,).
    """
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    # Bins are open below and closed above, so that a confidence of 1 is in the last.
    places = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    gaps = np.bincount(places, weights=right, minlength=BINS) - np.bincount(places, weights=sure, minlength=BINS)
    return float(np.abs(gaps).sum() / counts.sum())


def answers_document(outcomes: Outcomes, threshold: float | None) -> dict[str, Any]:
    """Top-1 with its 95 % interval, top-5 where there are more classes than that, and calibration."""
    logits, labels = outcomes.logits(threshold), outcomes.labels
    top1 = float(outcomes.hits(threshold).mean())
    document = {
        "images": len(labels),
        "accuracy": top1,
        "accuracy_interval": list(wilson_interval(top1, len(labels))),
        "top5": None,
        "calibration_error": calibration_error(logits, labels),
        "calibration_bins": BINS,
    }
    if logits.shape[1] > 5:
        best = np.argpartition(-logits, 4, axis=1)[:, :5]
        document["top5"] = float((best == labels[:, None]).any(1).mean())
    return document


def payload_document(outcomes: Outcomes, threshold: float | None) -> dict[str, Any]:
    """Bytes for an image: the mean over all images, and the distribution over those that are sent."""
    leaves = outcomes.leaves(threshold)
    sent = outcomes.payload_bytes[~leaves]
    if not len(sent):
        return {"mean_of_all": 0.0, "sent_images": 0, "sent": None}
    spread = {
        "mean": float(sent.mean()),
        "p50": float(np.percentile(sent, 50)),
        "p95": float(np.percentile(sent, 95)),
        "max": int(sent.max()),
    }
    mean = float(np.where(leaves, 0, outcomes.payload_bytes).mean())
    return {"mean_of_all": mean, "sent_images": len(sent), "sent": spread}


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What one threshold of the exit gives.

    Attributes:
        threshold: in [0, 1].
        exit_rate: share of the images that the device answers alone.
        accuracy: top-1 of whoever answers.
        payload_bytes: mean over all images.
        latency_ms: expected, as costed on the run's machines and network.
    """

    threshold: float
    exit_rate: float
    accuracy: float
    payload_bytes: float
    latency_ms: float


def exit_curve(outcomes: Outcomes, costs: dict[str, Any]) -> list[Threshold]:
    """Every threshold that tells two images apart, from nobody leaving to everybody: sorted once, no network runs.

    Args:
        outcomes: of both branches on all images.
        costs: see `costs_of`.
    """
    assert outcomes.early is not None
    assert outcomes.confidence is not None
    order = np.argsort(-outcomes.confidence, kind="stable")
    sure = outcomes.confidence[order].astype(np.float64)
    early = (outcomes.early.argmax(1) == outcomes.labels)[order]
    final = (outcomes.final.argmax(1) == outcomes.labels)[order]
    count = len(sure)
    hits = final.sum() + np.concatenate([[0], np.cumsum(early.astype(int) - final.astype(int))])
    sent = outcomes.payload_bytes.sum() - np.concatenate([[0], np.cumsum(outcomes.payload_bytes[order])])
    # Images of one confidence leave together: only the last of them ends a group.
    ends = [k for k in range(count + 1) if k in (0, count) or sure[k] < sure[k - 1]]
    return [
        Threshold(
            threshold=_between(sure, k),
            exit_rate=k / count,
            accuracy=float(hits[k] / count),
            payload_bytes=float(sent[k] / count),
            latency_ms=expected_latency_ms(costs, k / count),
        )
        for k in ends
        if k > 0 or sure[0] < 1  # at a confidence of 1, even the highest threshold lets an image leave
    ]


def _between(sure: NDArray[np.float64], leaving: int) -> float:
    """A threshold in the middle between the last that leaves and the first that does not."""
    above = 1.0 if leaving == 0 else float(sure[leaving - 1])
    below = 0.0 if leaving == len(sure) else float(sure[leaving])
    return 1.0 if leaving == 0 else 0.0 if leaving == len(sure) else min((above + below) / 2, above)


def thin(curve: list[Threshold]) -> list[Threshold]:
    """At most 101 points of a curve, evenly, the ends among them."""
    if len(curve) <= _POINTS:
        return curve
    return [curve[round(k * (len(curve) - 1) / (_POINTS - 1))] for k in range(_POINTS)]
