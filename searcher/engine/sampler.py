"""Samplers by name: each is Optuna's own, seeded. What repeats cost is the search loop's business, not theirs."""

from collections.abc import Callable

import optuna

from splitsearch.spaces.registry import Registry

__all__ = ["SAMPLERS", "Sampler", "make_sampler"]

Sampler = optuna.samplers.BaseSampler
SAMPLERS: Registry[Callable[[int], Sampler]] = Registry("sampler")


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
    return optuna.samplers.BruteForceSampler(seed=seed)


def make_sampler(name: str, seed: int) -> Sampler:
    """Builds a sampler.

    Raises:
        UserError: there is none of that name.
    """
    return SAMPLERS.get(name)(seed)
