"""Expected hypervolume improvement where all objectives but a few are known beforehand.

Everything here is scaled and turned: costs are minimised in [0, 1] with the reference at 1.1, gains are maximised
above a floor. With one gain the dominated volume is the integral over all budgets u of T(u), the best gain within
them (the attainment surface; Fonseca and Fleming, 1996), and the expected improvement of a candidate with costs c is

    integral over u >= c of E[max(0, gain - T(u))] du,

whose integrand is the closed form of Jones et al. (1998). With several gains, taken to be independent, it is the
integral over all points that the front does not dominate of the probability that the candidate dominates them
(Emmerich et al., 2006). Both integrals run over one Sobol sequence, so no box is decomposed and the number of costs
does not matter.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import qmc

__all__ = [
    "REFERENCE",
    "Array",
    "attainment",
    "budgets",
    "expected_dominated",
    "expected_improvement",
    "improvement",
    "within",
]

Array = NDArray[np.float64]
REFERENCE = 1.1
_LEVELS = 64
_CHUNK = 2048


def budgets(dimensions: int, count: int, seed: int) -> Array:
    """Points that fill the box from 0 to the reference evenly: a scrambled Sobol sequence.

    Args:
        dimensions: of the box; 0 gives one point without coordinates.
        count: a power of two.
        seed: of the scrambling.
    """
    if dimensions == 0:
        return np.zeros((1, 0))
    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(sequence.random(count) * REFERENCE, dtype=np.float64)


def within(costs: Array, points: Array) -> NDArray[np.bool_]:
    """Which costs (n, k) keep which budgets (u, k): an (n, u) matrix."""
    kept = np.ones((len(costs), len(points)), dtype=np.bool_)
    for axis in range(points.shape[1]):
        kept &= costs[:, axis, None] <= points[None, :, axis]
    return kept


def attainment(costs: Array, gains: Array, points: Array, floor: float) -> Array:
    """T(u): the best gain of what keeps each budget, at least the floor.

    Args:
        costs: (n, k).
        gains: (n,).
        points: (u, k) budgets.
        floor: the gain of the reference point.

    Returns:
        (u,).
    """
    if not len(costs):
        return np.full(len(points), floor)
    reached = np.where(within(costs, points), gains[:, None], floor)
    return np.asarray(np.maximum(reached.max(axis=0), floor), dtype=np.float64)


def improvement(mean: Array, deviation: Array, threshold: Array) -> Array:
    """E[max(0, y - threshold)] of normal y (Jones et al., 1998), elementwise; arguments broadcast."""
    spread = np.maximum(deviation, 1e-12)
    z = (mean - threshold) / spread
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return np.asarray(spread * (z * ndtr(z) + density), dtype=np.float64)


def expected_improvement(mean: Array, deviation: Array, allowed: NDArray[np.bool_], thresholds: Array) -> Array:
    """Expected growth of the volume by each candidate, where one objective is unknown.

    Thresholds are few, since the surface is a staircase: candidates and levels are crossed, not candidates and
    budgets. More levels than 64 are rounded up to as many quantiles, so that no growth is promised that is none.

    Args:
        mean: (n,) of the predicted gain.
        deviation: (n,) likewise.
        allowed: (n, u) which candidate keeps which budget.
        thresholds: (u,) T at each budget.

    Returns:
        (n,), as a share of the box of budgets.
    """
    levels, place = _levels(thresholds)
    indicator = np.zeros((len(thresholds), len(levels)), dtype=np.float32)
    indicator[np.arange(len(thresholds)), place] = 1
    gained = np.empty(len(mean))
    for start in range(0, len(mean), _CHUNK):
        rows = slice(start, start + _CHUNK)
        share = allowed[rows].astype(np.float32) @ indicator
        gained[rows] = (share * improvement(mean[rows, None], deviation[rows, None], levels[None, :])).sum(axis=1)
    return gained / len(thresholds)


def _levels(thresholds: Array) -> tuple[Array, NDArray[np.intp]]:
    levels = np.unique(thresholds)
    if len(levels) > _LEVELS:
        levels = np.unique(np.quantile(thresholds, np.linspace(0, 1, _LEVELS), method="higher"))
    return levels, np.searchsorted(levels, thresholds)


def expected_dominated(mean: Array, deviation: Array, allowed: NDArray[np.bool_], gains: Array) -> Array:
    """Expected growth of the volume by each candidate, where several objectives are unknown and independent.

    Args:
        mean: (n, m) of the predicted gains.
        deviation: (n, m) likewise.
        allowed: (n, u) which candidate keeps the known costs of which point that nothing dominates.
        gains: (u, m) the gains of those points.

    Returns:
        (n,), as a share of the points.
    """
    grown = np.zeros(len(mean))
    spread = np.maximum(deviation, 1e-12)
    for start in range(0, len(mean), _CHUNK):
        rows = slice(start, start + _CHUNK)
        reached = allowed[rows].astype(np.float64)
        for axis in range(gains.shape[1]):
            reached *= ndtr((mean[rows, axis, None] - gains[None, :, axis]) / spread[rows, axis, None])
        grown[rows] = reached.mean(axis=1) if gains.size else 0.0
    return grown
