"""Milliseconds of kernels that were never run, from those that were: a mean of work done, and what it leaves over.

For each family of kernels the mean is t = overhead + a MACs + b read + c written + d weights with factors that are not
negative (least squares on relative errors), so that it grows with the work however far it is extrapolated. What it
leaves over, log(measured / mean), is smooth in the shape: a Gaussian process on logarithms of the shape interpolates
it, and falls back to the mean, with its own deviation, where nothing near was measured. Scales and noise are the most
likely of a small grid: the fit is deterministic and takes a second or two, so that nothing has to be stored.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
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
_TELLING = 120  # kernels that the scales are chosen on
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

    def __init__(self, measured: Iterable[tuple[Kernel, float]], otherwise: Callable[[Kernel], float]) -> None:
        """Fits.

        Args:
            measured: kernels and their milliseconds; repetitions are welcome.
            otherwise: estimated milliseconds of a kernel of whose family none was measured.
        """
        rows = [(kernel, max(ms, _FLOOR_MS)) for kernel, ms in measured]
        groups: dict[str, list[tuple[Kernel, float]]] = {}
        for kernel, ms in rows:
            groups.setdefault(family(kernel), []).append((kernel, ms))
        self._families = {name: _Family(group) for name, group in groups.items()}
        self._known: dict[Kernel, Estimate] = {}
        self._otherwise = otherwise

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
        return Estimate(ms=max(_FLOOR_MS, self._otherwise(kernel)), deviation=_UNKNOWN, in_range=False)


class _Family:
    """The model of one family."""

    def __init__(self, rows: Sequence[tuple[Kernel, float]]) -> None:
        from sklearn.linear_model import LinearRegression

        kernels, ms = _distinct(rows)
        terms = np.array([work(kernel) for kernel in kernels])
        weights = 1 / (ms + _CLOCK_MS)
        scale = np.maximum((terms * weights[:, None]).max(axis=0), 1e-300)
        line = LinearRegression(positive=True, fit_intercept=False)
        self._factors = line.fit(terms * weights[:, None] / scale, ms * weights).coef_ / scale
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
    """The process whose scales are the most likely of the grid; a part of the kernels, dear and cheap, tells them."""
    x, clock = shape_features(kernels), _CLOCK_MS / ms
    some = slice(None, None, -(-len(kernels) // _TELLING))

    def made(which: slice, scales: tuple[float, float, float]) -> _Process:
        length, amplitude, noise = scales
        return _Process(x[which], left[which], np.hypot(noise, clock[which]), length, amplitude)

    grid = list(product(_LENGTHS, _AMPLITUDES, _NOISES))
    return made(slice(None), max(grid, key=lambda scales: made(some, scales).likelihood))


def _distinct(rows: Sequence[tuple[Kernel, float]]) -> tuple[list[Kernel], _Numbers]:
    """One entry per kernel that the features can tell apart: the median; those that take the most time, if many."""
    found: dict[bytes, list[tuple[Kernel, float]]] = {}
    for kernel, ms in rows:
        key = np.concatenate([work(kernel), shape_features([kernel])[0]]).tobytes()
        found.setdefault(key, []).append((kernel, ms))
    ranked = sorted(found.values(), key=lambda same: -sum(ms for _, ms in same))[:_MOST]
    return [same[0][0] for same in ranked], np.array([float(np.median([ms for _, ms in same])) for same in ranked])
