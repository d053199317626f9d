"""The first trials, before anything can be modelled: corners of the known costs, then the widest gaps between them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splitsearch.searcher.engine.samplers.attainment import Array

__all__ = ["corners", "start_design"]


def corners(costs: Array) -> list[int]:
    """Rows at the ends: the least of each cost, and the dearest in all, where the best gains are to be expected.

    Args:
        costs: (n, k) scaled; of equal ends the one that is cheaper in all, then the first.
    """
    total = costs.sum(axis=1)
    ends = [int(np.lexsort((total, costs[:, axis]))[0]) for axis in range(costs.shape[1])]
    return list(dict.fromkeys((*ends, int(np.argmax(total)))))


def start_design(costs: Array, features: Array, taken: Sequence[int], free: NDArray[np.intp], count: int) -> list[int]:
    """The next rows of the start: free corners, then each time the row that is farthest from all before it.

    Farthest in the known costs (Gonzalez, 1985), because the front has to be covered there; where no cost is known,
    farthest in the features.

    Args:
        costs: (n, k) scaled.
        features: (n, d).
        taken: rows that have been tried or are being tried.
        free: rows to choose from.
        count: how many, at most.
    """
    places = costs if costs.shape[1] else features
    open_rows = set(free.tolist())
    chosen = [row for row in corners(costs) if row in open_rows][:count]
    gaps = np.full(len(free), np.inf)
    for row in (*taken, *chosen):
        gaps = np.minimum(gaps, _distances(places, free, row))
    while len(chosen) < min(count, len(free)):
        chosen.append(int(free[np.argmax(gaps)]))
        gaps = np.minimum(gaps, _distances(places, free, chosen[-1]))
        gaps[np.isin(free, chosen)] = -1
    return chosen


def _distances(places: Array, free: NDArray[np.intp], row: int) -> Array:
    return np.asarray(np.linalg.norm(places[free] - places[row], axis=1), dtype=np.float64)
