"""Dominance and hypervolume, in minimisation form: rows are points, smaller is better in every column."""

from collections.abc import Mapping, Sequence

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
    no_worse = (points[:, None, :] <= points[None, :, :]).all(axis=2)
    better = (points[:, None, :] < points[None, :, :]).any(axis=2)
    dominated: NDArray[np.bool_] = np.any(no_worse & better, axis=0)
    return np.logical_not(dominated)


def hypervolume(points: Points, reference: Sequence[float]) -> float:
    """Volume that the points dominate below the reference (Zitzler and Thiele, 1998), exact.

    Two objectives are swept; more are sliced along the last one (Knowles, 2002) down to two. Points beyond the
    reference add nothing.

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
    return _sliced(inside, corner) if len(inside) else 0.0


def _sliced(points: Points, corner: Points) -> float:
    if points.shape[1] == 1:
        return float(corner[0] - points.min())
    if points.shape[1] == 2:
        return _swept(points, corner)
    points = points[non_dominated(points)]
    points = points[np.argsort(points[:, -1], kind="stable")]
    depths = np.diff(np.append(points[:, -1], corner[-1]))
    return float(sum(d * _sliced(points[: k + 1, :-1], corner[:-1]) for k, d in enumerate(depths) if d > 0))


def _swept(points: Points, corner: Points) -> float:
    """Area: from left to right, each point lowers the floor or does not; the strip up to the next one lies above it."""
    points = points[np.argsort(points[:, 0], kind="stable")]
    widths = np.diff(np.append(points[:, 0], corner[0]))
    floors = np.minimum.accumulate(points[:, 1])
    return float(widths @ (corner[1] - floors))


def _refuse_nan(points: Points) -> None:
    if np.isnan(points).any():
        raise ValueError("a point holds a value that is not a number")
