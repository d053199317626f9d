"""The first trials, before anything can be modelled: corners of the known costs, then the widest gaps between them."""

import numpy as np
from numpy.typing import NDArray

from splitsearch.searcher.engine.samplers.attainment import Array

__all__ = ["corners", "widest_gap"]


def corners(costs: Array, features: Array) -> list[int]:
    """Rows at the ends: the least of each cost, and the dearest in all, where the best gains are to be expected."""
    total = costs.sum(axis=1)
    ends = [int(np.lexsort((total, costs[:, axis]))[0]) for axis in range(costs.shape[1])]
    return list(dict.fromkeys((*ends, int(np.argmax(total)))))


def widest_gap(costs: Array, features: Array, taken: NDArray[np.intp], free: NDArray[np.intp]) -> int:
    """The free row that is farthest from all taken ones (Gonzalez, 1985)."""
    places = np.hstack([costs * 2, features])
    gaps = np.min(np.linalg.norm(places[free][:, None, :] - places[taken][None, :, :], axis=2), axis=1)
    return int(free[np.argmax(gaps)])
