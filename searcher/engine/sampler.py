"""Samplers by name: each is Optuna's own, seeded. What repeats cost is the search loop's business, not theirs."""

import warnings
from collections.abc import Callable, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from splitsearch.spaces.registry import Registry

__all__ = ["SAMPLERS", "Sampler", "make_sampler"]

Sampler = optuna.samplers.BaseSampler
SAMPLERS: Registry[Callable[[int], Sampler]] = Registry("sampler")


class _Grid(optuna.samplers.BruteForceSampler):
    """Optuna's, which stops the study after its last point: that is possible inside `optimize` only."""

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Leaves the end of the search to the search."""


@SAMPLERS.register("tpe")
def _tpe(seed: int) -> Sampler:
    """Multi-objective tree-structured Parzen estimator (Ozaki et al., JAIR 2022)."""
    return optuna.samplers.TPESampler(seed=seed)


@SAMPLERS.register("nsga2")
def _nsga2(seed: int) -> Sampler:
    """NSGA-II (Deb et al., 2002); wants hundreds of trials."""
    return optuna.samplers.NSGAIISampler(seed=seed, population_size=20)


@SAMPLERS.register("gp")
def _gp(seed: int) -> Sampler:
    """Gaussian processes and expected hypervolume improvement; seconds per suggestion."""
    return optuna.samplers.GPSampler(seed=seed)


@SAMPLERS.register("random")
def _random(seed: int) -> Sampler:
    """Uniform over the grid."""
    return optuna.samplers.RandomSampler(seed=seed)


@SAMPLERS.register("grid")
def _grid(seed: int) -> Sampler:
    """Every point once, in a shuffled order."""
    return _Grid(seed=seed)


def make_sampler(name: str, seed: int) -> Sampler:
    """Builds a sampler.

    Raises:
        UserError: there is none of that name.
    """
    with warnings.catch_warnings():
        # Some samplers are marked experimental: their interface may change, which our range of versions covers.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return SAMPLERS.get(name)(seed)
