"""How far sums of predicted kernels lie off, learnt from parts that were measured whole, for parts like them.

The logarithm of measured over predicted is taken for a Gaussian process over parts. Two parts are alike as far as the
kernels are alike in which they spend their time: k(A, B) = sum over i in A, j in B of w_i w_j k(i, j), with w a
kernel's share of the time and k(i, j) = exp(-distance of their shapes) within one family. What all parts have in
common, and what nothing explains, have variances of their own. Everything about a stage is a vector over the anchors,
and the vectors of a chain add up: thousands of candidates cost thousands of short sums.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from splitsearch.profilers.predict.features import family, shape_features
from splitsearch.profilers.predict.kernel import Kernel

__all__ = ["Anchors", "Correction", "Likeness"]

_Numbers = NDArray[np.float64]

_ALIKE = (0.02, 0.05, 0.1, 0.2)
_COMMON = (0.01, 0.03, 0.1)
_NOISE = (0.01, 0.02, 0.04, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A stage as the anchors see it; those of a chain add up.

    Attributes:
        ms: its predicted milliseconds.
        like: (anchors,) likeness to every anchor, times `ms`.
        own: the root of its likeness to itself, times `ms`.
    """

    ms: float
    like: _Numbers
    own: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What to make of a sum.

    Attributes:
        factor: measured over predicted, as far as the anchors tell.
        deviation: relative standard deviation of what is left.
    """

    factor: float
    deviation: float


class Anchors:
    """Parts that were measured whole, beside what is predicted for them."""

    def __init__(
        self, parts: Sequence[tuple[Sequence[Kernel], float]], predicted: Callable[[Sequence[Kernel]], Sequence[float]]
    ) -> None:
        """Learns.

        Args:
            parts: kernels and measured milliseconds.
            predicted: milliseconds of each of some kernels.
        """
        self._predicted = predicted
        times = [_times(kernels, predicted) for kernels, _ in parts]
        distinct = list(dict.fromkeys(kernel for found in times for kernel in found))
        self._kernels, self._groups = shape_features(distinct), np.array([family(kernel) for kernel in distinct])
        place = {kernel: row for row, kernel in enumerate(distinct)}
        self._shares = np.zeros((len(parts), len(distinct)))
        for row, found in enumerate(times):
            for kernel, ms in found.items():
                self._shares[row, place[kernel]] = ms / sum(found.values())
        logs = np.array([np.log(ms / sum(found.values())) for (_, ms), found in zip(parts, times, strict=True)])
        likeness = self._shares @ _alike(self._kernels, self._groups, self._kernels, self._groups) @ self._shares.T
        self._fit(likeness, logs)

    def __len__(self) -> int:
        return len(self._shares)

    def see(self, kernels: Sequence[Kernel]) -> Likeness:
        """Describes some kernels that run one after another."""
        found = _times(kernels, self._predicted)
        if not found:
            return Likeness(ms=0.0, like=np.zeros(len(self)), own=0.0)
        distinct = list(found)
        ms = np.array([found[kernel] for kernel in distinct])
        shapes, groups = shape_features(distinct), np.array([family(kernel) for kernel in distinct])
        like = self._shares @ (_alike(self._kernels, self._groups, shapes, groups) @ ms) if len(self) else np.zeros(0)
        own = float(np.sqrt(ms @ _alike(shapes, groups, shapes, groups) @ ms))
        return Likeness(ms=float(ms.sum()), like=like, own=own)

    def correct(self, parts: Sequence[Likeness]) -> Correction:
        """The correction of everything that these stages predict together."""
        total = sum(part.ms for part in parts)
        if not total:
            return Correction(factor=1.0, deviation=0.0)
        # Were the errors of two stages unrelated, less would be unknown of their sum; it is not known that they are.
        own = (sum(part.own for part in parts) / total) ** 2
        common = self._common**2
        if not len(self):
            return Correction(factor=1.0, deviation=float(np.sqrt(self._alike**2 * own + common + self._noise**2)))
        row = self._alike**2 * np.sum([part.like for part in parts], axis=0) / total + common
        variance = float(self._alike**2 * own + common + self._noise**2 - row @ self._inverse @ row)
        return Correction(factor=float(np.exp(row @ self._weights)), deviation=max(variance, self._noise**2) ** 0.5)

    def _fit(self, likeness: _Numbers, logs: _Numbers) -> None:
        """The most likely variances of a small grid, a weak preference for the usual ones among them."""
        best = -np.inf
        self._inverse: _Numbers = np.zeros((0, 0))
        self._weights: _Numbers = np.zeros(0)
        self._alike, self._common, self._noise = 0.1, 0.03, 0.02
        for alike, common, noise in product(_ALIKE, _COMMON, _NOISE) if len(logs) else ():
            covariance = alike**2 * likeness + common**2 + noise**2 * np.eye(len(logs))
            inverse: _Numbers = np.linalg.inv(covariance).astype(np.float64)
            likely = -0.5 * (logs @ inverse @ logs + np.linalg.slogdet(covariance)[1])
            likely -= 0.5 * (np.log(alike / 0.1) ** 2 + np.log(common / 0.03) ** 2 + np.log(noise / 0.02) ** 2)
            if likely > best:
                best, self._inverse, self._weights = likely, inverse, inverse @ logs
                self._alike, self._common, self._noise = alike, common, noise


def _times(
    kernels: Sequence[Kernel], predicted: Callable[[Sequence[Kernel]], Sequence[float]]
) -> Mapping[Kernel, float]:
    """Milliseconds by distinct kernel."""
    found: dict[Kernel, float] = {}
    for kernel, ms in zip(kernels, predicted(kernels), strict=True):
        found[kernel] = found.get(kernel, 0.0) + ms
    return found


def _alike(a: _Numbers, groups_a: NDArray[np.str_], b: _Numbers, groups_b: NDArray[np.str_]) -> _Numbers:
    """How alike kernels are, in [0, 1]."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    found: _Numbers = np.exp(-np.sqrt(np.maximum(squares, 0))) * (groups_a[:, None] == groups_b[None])
    return found
