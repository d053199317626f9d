"""What a few trials say about all others: a Gaussian process with a deviation that says how little."""

import math
import warnings
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, WhiteKernel

from splitsearch.searcher.engine.samplers.attainment import Array
from splitsearch.searcher.engine.samplers.kernel import TiedMatern

__all__ = ["Surrogate", "refit_size"]

_JITTER = 1e-8
_LENGTH = (0.6, 0.5)  # of features in [0, 1]: mean and deviation of the logarithm; benchmarks/*_table*.py
_NOISE = (math.log(3e-3), 1.5)  # variance relative to that of the gains, likewise


def refit_size(count: int) -> int:
    """How many observations decide the hyperparameters when there are `count`.

    A step of one up to 20, then of a tenth, so that fitting, which is dear, is done on a schedule that every process
    derives from the count alone.
    """
    if count <= 20:
        return count
    size = 20
    while (following := size + max(2, size // 10)) <= count:
        size = following
    return size


class Surrogate:
    """One unknown objective over the features of points: Matern 5/2 with a length per parameter, and noise.

    Hyperparameters are the most probable ones (Rasmussen and Williams, 2006, chapter 5) given the first `refit_size`
    observations; the rest only condition. That makes a suggestion a function of the trials, whichever
    process computes it, and lets the dear part be remembered.

    Args:
        seed: of scikit-learn's process.
        groups: of features that share a length; None gives each its own.
    """

    def __init__(self, seed: int, groups: tuple[int, ...] | None = None) -> None:
        self._seed, self._groups = seed, groups
        self._fitted: tuple[bytes, Kernel] | None = None
        self._process: GaussianProcessRegressor | None = None
        self._data: tuple[Array, Array, Array] = (np.zeros((0, 0)), np.zeros(0), np.zeros(0))
        self._centre, self._scale = 0.0, 1.0

    def learn(self, features: Array, gains: Array, extra: Array) -> None:
        """Fits what is not remembered, and conditions on all observations.

        Args:
            features: (n, d) in [0, 1].
            gains: (n,).
            extra: (n,) deviation of each gain beyond the common noise; 0 for what was measured.
        """
        size = refit_size(len(gains))
        self._centre = float(gains[:size].mean())
        self._scale = float(gains[:size].std()) or 1.0
        scaled, alpha = (gains - self._centre) / self._scale, (extra / self._scale) ** 2 + _JITTER
        identity = b"".join(array[:size].tobytes() for array in (features, scaled, alpha))
        if self._fitted is None or self._fitted[0] != identity:
            groups = self._groups or tuple(range(features.shape[1]))
            self._fitted = (identity, _best_kernel(features[:size], scaled[:size], alpha[:size], self._seed, groups))
        self._condition(self._fitted[1], features, scaled, alpha)

    def believe(self, features: Array, gains: Array) -> None:
        """Conditions on further points as if they had been observed; hyperparameters stay."""
        if self._process is None:
            raise ValueError("a surrogate believes after it has learnt")
        known, scaled, alpha = self._data
        self._condition(
            self._process.kernel_,
            np.vstack([known, features]),
            np.concatenate([scaled, (gains - self._centre) / self._scale]),
            np.concatenate([alpha, np.full(len(gains), _JITTER)]),
        )

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Means and deviations, (n,) each, without the noise: what a trial would find on average.

        Raises:
            ValueError: nothing has been learnt.
        """
        if self._process is None:
            raise ValueError("a surrogate predicts after it has learnt")
        mean, deviation = self._process.predict(features, return_std=True)
        pure = np.maximum(np.asarray(deviation) ** 2 - self._process.kernel_.k2.noise_level, 1e-10)
        return np.asarray(mean) * self._scale + self._centre, np.sqrt(pure) * self._scale

    def _condition(self, kernel: Kernel, features: Array, scaled: Array, alpha: Array) -> None:
        self._data = (features, scaled, alpha)
        self._process = GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None)
        self._process.fit(features, scaled)


def _best_kernel(features: Array, scaled: Array, alpha: Array, seed: int, groups: tuple[int, ...]) -> Kernel:
    lengths = np.full(max(groups) + 1, math.exp(_LENGTH[0]))
    signal = ConstantKernel(1.0, (1e-2, 1e3)) * TiedMatern(lengths, (2e-2, 1e2), groups)
    kernel = signal + WhiteKernel(1e-2, (1e-6, 1.0))
    process = GaussianProcessRegressor(kernel, alpha=alpha, optimizer=_maximise, random_state=seed)
    with warnings.catch_warnings():
        # A length at its bound says that the feature does not matter, or matters at every step: both are answers.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(features, scaled)
    return process.kernel_


def _maximise(objective: Callable[[Array], tuple[float, Array]], start: Array, bounds: Array) -> tuple[Array, float]:
    """Finds the most probable hyperparameters: logarithms of the signal, of each length, of the noise, in this order.

    Few trials cannot tell lengths apart. A log-normal prior keeps them near the size of the space until they can, and
    one on the noise keeps it from explaining everything (as in Hvarfner et al., 2024, whose priors are wider).
    """
    last = len(start) - 1
    centre = np.array([0.0, *[_LENGTH[0]] * (last - 1), _NOISE[0]])
    weight = np.array([0.0, *[_LENGTH[1] ** -2] * (last - 1), _NOISE[1] ** -2])

    def with_prior(theta: Array) -> tuple[float, Array]:
        value, gradient = objective(theta)
        away = theta - centre
        return value + 0.5 * float(away @ (weight * away)), gradient + weight * away

    ends = [(float(low), float(high)) for low, high in bounds]
    found = minimize(with_prior, start, jac=True, method="L-BFGS-B", bounds=ends)
    return found.x, float(found.fun)
