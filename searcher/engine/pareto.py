"""Dominance and hypervolume, in minimisation form: rows are points, smaller is better in every column."""

from collections.abc import Mapping, Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

from splitsearch.searcher.engine.objectives import Objective

__all__ = ["dominates", "hypervolume", "non_dominated", "to_minimise"]

Points = NDArray[np.float64]


def to_minimise(values: Mapping[str, float], objectives: Sequence[Objective]) -> list[float]:
    """One row: what is maximised changes its sign."""
    return [-values[o.name] if o.direction == "maximize" else values[o.name] for o in objectives]


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether `a` is nowhere worse than `b` and somewhere better."""
    pairs = list(zip(a, b, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def non_dominated(points: Points) -> NDArray[np.bool_]:
    """Which rows no other row dominates; equal rows do not dominate each other.

    Args:
        points: (n, d) without NaN.

    Raises:
        ValueError: a value is not a number.
    """
    _refuse_nan(points)
    if not len(points):
        return np.zeros(0, dtype=np.bool_)
    if points.shape[1] == 1:
        return np.asarray(points[:, 0] == points.min())
    return np.asarray(moocore.is_nondominated(points, keep_weakly=True), dtype=np.bool_)


def hypervolume(points: Points, reference: Sequence[float]) -> float:
    """Volume that the points dominate below the reference (Zitzler and Thiele, 1998), exact.

    Points beyond the reference add nothing.

    Args:
        points: (n, d) without NaN.
        reference: (d,) without NaN.

    Raises:
        ValueError: a value is not a number, or the reference is of another dimension.
    """
    corner = np.asarray(reference, dtype=np.float64)
    if points.shape[1:] != corner.shape:
        raise ValueError(f"a reference of shape {corner.shape} does not fit points of shape {points.shape}")
    _refuse_nan(points)
    _refuse_nan(corner)
    inside = points[(points < corner).all(axis=1)] if len(points) else points
    if not len(inside):
        return 0.0
    if len(corner) == 1:
        return float(corner[0] - inside.min())
    return float(moocore.hypervolume(inside, ref=corner))


def _refuse_nan(points: Points) -> None:
    if np.isnan(points).any():
        raise ValueError("a point holds a value that is not a number")
