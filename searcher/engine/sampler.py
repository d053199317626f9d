"""Samplers by name: ours, which uses what is known of the pool, and Optuna's own, which do not; all of them seeded.

What repeats cost is the search loop's business, not theirs.
"""

import warnings
from collections.abc import Callable, Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.samplers.known_cost import KnownCostSampler
from splitsearch.spaces.registry import Registry

__all__ = ["SAMPLERS", "Sampler", "make_sampler"]

Sampler = optuna.samplers.BaseSampler
SAMPLERS: Registry[Callable[[int, Knowledge | None], Sampler]] = Registry("sampler")


class _Grid(optuna.samplers.BruteForceSampler):
    """Optuna's, which stops the study after its last point: that is possible inside `optimize` only."""

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Leaves the end of the search to the search."""


@SAMPLERS.register("known-cost")
def _known_cost(seed: int, knowledge: Knowledge | None) -> Sampler:
    """Expected hypervolume improvement, with a surrogate for what is unknown alone (docs/search.md)."""
    if knowledge is None:
        raise ValueError("the known-cost sampler needs to know a pool")
    return KnownCostSampler(knowledge, seed=seed)


@SAMPLERS.register("tpe")
def _tpe(seed: int, knowledge: Knowledge | None) -> Sampler:
    """Multi-objective tree-structured Parzen estimator (Ozaki et al., JAIR 2022)."""
    return optuna.samplers.TPESampler(seed=seed)


@SAMPLERS.register("nsga2")
def _nsga2(seed: int, knowledge: Knowledge | None) -> Sampler:
    """NSGA-II (Deb et al., 2002); wants hundreds of trials."""
    return optuna.samplers.NSGAIISampler(seed=seed, population_size=20)


@SAMPLERS.register("gp")
def _gp(seed: int, knowledge: Knowledge | None) -> Sampler:
    """Gaussian processes and expected hypervolume improvement; seconds per suggestion."""
    return optuna.samplers.GPSampler(seed=seed)


@SAMPLERS.register("random")
def _random(seed: int, knowledge: Knowledge | None) -> Sampler:
    """Uniform over the grid."""
    return optuna.samplers.RandomSampler(seed=seed)


@SAMPLERS.register("grid")
def _grid(seed: int, knowledge: Knowledge | None) -> Sampler:
    """Every point once, in a shuffled order."""
    return _Grid(seed=seed)


def make_sampler(name: str, seed: int, knowledge: Knowledge | None = None) -> Sampler:
    """Builds a sampler.

    Args:
        name: as `--sampler` has it.
        seed: same seed and same trials, same suggestions.
        knowledge: the pool with its known objectives; all but known-cost do without.

    Raises:
        UserError: there is none of that name.
        ValueError: known-cost without knowledge.
    """
    with warnings.catch_warnings():
        # Some samplers are marked experimental: their interface may change, which our range of versions covers.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return SAMPLERS.get(name)(seed, knowledge)
