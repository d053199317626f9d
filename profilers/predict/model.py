"""Milliseconds of kernels that were never run, from those that were: a mean of work done, and what it leaves over.

For each family of kernels the mean is t = overhead + a MACs + b read + c written + d weights with factors that are not
negative (least squares on relative errors), so that it grows with the work however far it is extrapolated. What it
leaves over, log(measured / mean), is smooth in the shape: a Gaussian process on logarithms of the shape interpolates it,
and falls back to the mean, with its own deviation, where nothing near was measured. Scales and noise are the most
likely of a small grid: the fit is deterministic and takes a second or two, so that nothing has to be stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splitsearch.profilers.predict.features import family, shape_features, work
from splitsearch.profilers.predict.kernel import Kernel

__all__ = ["Estimate", "KernelModel"]

_Numbers = NDArray[np.float64]

_LENGTHS = (0.5, 1.0, 2.0)
_AMPLITUDES = (0.2, 0.5)
_NOISES = (0.03, 0.08, 0.2)
_MOST = 500  # kernels of one family that are kept: more say nothing new, and time grows with the third power
_FEWEST = 6  # below it, a process cannot tell its scales
_CLOCK_MS = 0.0005  # profilers count microseconds
_FLOOR_MS = 1e-4
_UNKNOWN = 0.5  # relative deviation of a family that was never measured
_FAR = 0.9  # share of the prior deviation from which on measurements say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One kernel's milliseconds.

    Attributes:
        ms: the most likely value.
        deviation: relative standard deviation of what is not known about it.
        in_range: whether kernels like it were measured.
    """

    ms: float
    deviation: float
    in_range: bool


class KernelModel:
    """Fitted to the kernels of one machine and runtime; remembers what it was asked."""

    def __init__(self, measured: Iterable[tuple[Kernel, float]]) -> None:
        """Fits.

        Args:
            measured: kernels and their milliseconds; repetitions are welcome.
        """
        rows = [(kernel, max(ms, _FLOOR_MS)) for kernel, ms in measured]
        groups: dict[str, list[tuple[Kernel, float]]] = {}
        for kernel, ms in rows:
            groups.setdefault(family(kernel), []).append((kernel, ms))
        self._families = {name: _Family(group) for name, group in groups.items()}
        self._known: dict[Kernel, Estimate] = {}
        # What no family describes is read and written, at the median speed of everything else.
        rates = [ms / max(1.0, float(work(kernel)[2:4].sum())) for kernel, ms in rows if ms > 2 * _CLOCK_MS]
        self._rate = float(np.median(rates)) if rates else 1e-6

    def predict(self, kernels: Sequence[Kernel]) -> list[Estimate]:
        """Milliseconds of each."""
        new: dict[str, list[Kernel]] = {}
        for kernel in dict.fromkeys(kernels):
            if kernel not in self._known:
                new.setdefault(family(kernel), []).append(kernel)
        for name, group in new.items():
            found = self._families[name].predict(group) if name in self._families else map(self._unknown, group)
            self._known.update(zip(group, found, strict=True))
        return [self._known[kernel] for kernel in kernels]

    def _unknown(self, kernel: Kernel) -> Estimate:
        moved = float(work(kernel)[2:4].sum())
        return Estimate(ms=max(_FLOOR_MS, self._rate * moved), deviation=_UNKNOWN, in_range=False)


class _Family:
    """The model of one family."""

    def __init__(self, rows: Sequence[tuple[Kernel, float]]) -> None:
        from scipy.optimize import nnls

        kernels, ms = _distinct(rows)
        terms = np.array([work(kernel) for kernel in kernels])
        weights = 1 / (ms + _CLOCK_MS)
        scale = np.maximum((terms * weights[:, None]).max(axis=0), 1e-300)
        factors, _ = nnls(terms * weights[:, None] / scale, ms * weights)
        self._factors = factors / scale
        left = np.log(ms / self._mean(kernels))
        self._process = _process(kernels, left, ms) if len(kernels) >= _FEWEST else None
        self._spread = float(np.sqrt(np.mean(left**2))) if len(kernels) > 2 else _UNKNOWN

    def _mean(self, kernels: Sequence[Kernel]) -> _Numbers:
        found: _Numbers = np.maximum(np.array([work(kernel) for kernel in kernels]) @ self._factors, _FLOOR_MS)
        return found

    def predict(self, kernels: Sequence[Kernel]) -> list[Estimate]:
        means = self._mean(kernels)
        if self._process is None:
            return [Estimate(ms=float(ms), deviation=max(self._spread, 0.2), in_range=False) for ms in means]
        logs, deviations = self._process.predict(shape_features(kernels))
        return [
            Estimate(ms=float(ms * np.exp(log)), deviation=float(deviation), in_range=bool(near))
            for ms, log, deviation, near in zip(means, logs, deviations, self._process.near(deviations), strict=True)
        ]


class _Process:
    """A Gaussian process with given scales."""

    def __init__(self, x: _Numbers, y: _Numbers, noise: _Numbers, length: float, amplitude: float) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern

        kernel = ConstantKernel(amplitude**2, "fixed") * Matern(length, "fixed", nu=1.5)
        self._fitted: Any = GaussianProcessRegressor(kernel, alpha=noise**2, optimizer=None).fit(x, y)
        self._amplitude, self._noise = amplitude, float(noise.min())

    @property
    def likelihood(self) -> float:
        """Logarithm of the marginal likelihood."""
        return float(self._fitted.log_marginal_likelihood_value_)

    def predict(self, x: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Mean and deviation, the noise of one kernel included."""
        mean, deviation = self._fitted.predict(x, return_std=True)
        return mean, np.hypot(deviation, self._noise)

    def near(self, deviations: _Numbers) -> NDArray[np.bool_]:
        """Whether anything measured says something of what has these deviations."""
        found: NDArray[np.bool_] = deviations < _FAR * np.hypot(self._amplitude, self._noise)
        return found


def _process(kernels: Sequence[Kernel], left: _Numbers, ms: _Numbers) -> _Process:
    """The most likely process of the grid."""
    x, clock = shape_features(kernels), _CLOCK_MS / ms
    candidates = (
        _Process(x, left, np.hypot(noise, clock), length, amplitude)
        for length in _LENGTHS
        for amplitude in _AMPLITUDES
        for noise in _NOISES
    )
    return max(candidates, key=lambda process: process.likelihood)


def _distinct(rows: Sequence[tuple[Kernel, float]]) -> tuple[list[Kernel], _Numbers]:
    """One entry per kernel that the features can tell apart: the median; those that take the most time, if many."""
    found: dict[bytes, list[tuple[Kernel, float]]] = {}
    for kernel, ms in rows:
        key = np.concatenate([work(kernel), shape_features([kernel])[0]]).tobytes()
        found.setdefault(key, []).append((kernel, ms))
    ranked = sorted(found.values(), key=lambda same: -sum(ms for _, ms in same))[:_MOST]
    return [same[0][0] for same in ranked], np.array([float(np.median([ms for _, ms in same])) for same in ranked])
