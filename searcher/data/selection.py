"""Which images to take: stratified by class, repeatable, and the same images first for every larger number."""

import numpy as np

from splitsearch.searcher.data.source import IntArray
from splitsearch.spaces.errors import UserError

__all__ = ["HOLD_OUT", "hold_out", "largest_remainder", "stratified"]

HOLD_OUT = 0.2
"""Share of the training images that validates where a data set has no validation part."""

HOLD_OUT_SEED = 0
"""Fixed: another `--seed` must not move images between training and validation, or runs could not be compared."""


def largest_remainder(counts: IntArray, total: int, rng: np.random.Generator) -> IntArray:
    """Shares `total` out in proportion to `counts` (Hamilton's method), equal remainders by lot.

    Args:
        counts: what each class has, int64 (C,), their sum at least `total`.
        total: how many to take.
        rng: draws the lots.

    Returns:
        What each class gives, int64 (C,): its quota rounded down or up, `total` altogether.
    """
    lots = rng.permutation(len(counts))
    shares, remainders = np.divmod(counts * total, max(int(counts.sum()), 1))
    order = np.lexsort((lots, -remainders))
    shares[order[: total - int(shares.sum())]] += 1
    return shares


def stratified(labels: IntArray, count: int, seed: int) -> IntArray:
    """Returns the sorted positions of `count` of the labels, each class in proportion.

    Raises:
        ValueError: `count` is negative or more than there are.
    """
    if not 0 <= count <= len(labels):
        raise ValueError(f"cannot take {count} of {len(labels)}")
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return _take(inverse, counts, count, np.random.default_rng(seed))


def _take(inverse: IntArray, counts: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    shares = largest_remainder(counts, count, rng)
    shuffled = rng.permutation(len(inverse))
    by_class = shuffled[np.argsort(inverse[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(inverse)) - np.repeat(starts, counts)
    return np.sort(by_class[rank < np.repeat(shares, counts)])


def hold_out(labels: IntArray) -> tuple[IntArray, IntArray]:
    """Splits positions into training and validation, `HOLD_OUT` of them; always the same way for the same labels.

    A class with a single image keeps it for training.

    Raises:
        UserError: no class has two images.
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    eligible = np.flatnonzero(counts[inverse] > 1)
    if len(eligible) == 0:
        raise UserError("no validation part can be held out: every class has one image only, give val images")
    picked = stratified(labels[eligible], max(1, round(HOLD_OUT * len(eligible))), HOLD_OUT_SEED)
    val = eligible[picked]
    return np.setdiff1d(np.arange(len(labels)), val), val
