"""How long the known-cost sampler takes for a suggestion, at a pool of 10,000 and up to 200 trials, on one core.

    OMP_NUM_THREADS=1 python benchmarks/known_cost.py [--pool 10000] [--trials 200] [--known 2] [--unknown 1]

An in-memory Optuna study over a made-up pool of six parameters; objectives are formulas, so that what takes time is
the sampler (and Optuna's bookkeeping, which is counted). Printed are mean and most of the seconds of the suggestions
since the last line: processor time of the thread that asks, so that other work on the machine does not count.
"""

import argparse
from statistics import fmean
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, IntDistribution

from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.samplers.known_cost import KnownCostSampler

PARAMETERS = {f"p{k}": size for k, size in enumerate((12, 10, 4, 4, 2, 3))}


def main() -> None:
    """Prints a line after 20, 50, 100, 150 and 200 trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("pool", 10_000), ("trials", 200), ("known", 2), ("unknown", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    draw = np.random.default_rng(0)
    grid = np.array(np.meshgrid(*(np.arange(size) for size in PARAMETERS.values()))).reshape(len(PARAMETERS), -1).T
    grid = grid[draw.permutation(len(grid))[: chosen.pool]]
    points = [dict(zip(PARAMETERS, map(int, row), strict=True)) for row in grid]
    values = np.abs(np.sin(grid @ draw.uniform(0, 0.5, (len(PARAMETERS), chosen.known + chosen.unknown)))) + 0.1
    names = [*(f"known{k}" for k in range(chosen.known)), *(f"unknown{k}" for k in range(chosen.unknown))]
    knowledge = Knowledge(
        objectives={name: "minimize" if name.startswith("known") else "maximize" for name in names},
        points=points,
        known={name: values[:, k].tolist() for k, name in enumerate(names[: chosen.known])},
    )
    _measure(knowledge, {tuple(point.values()): row for point, row in zip(points, values, strict=True)}, chosen.trials)


def _measure(knowledge: Knowledge, values: dict[tuple[Any, ...], Any], trials: int) -> None:
    sampler = KnownCostSampler(knowledge, seed=0)
    study = optuna.create_study(directions=list(knowledge.objectives.values()), sampler=sampler)
    distributions: dict[str, BaseDistribution] = {
        name: IntDistribution(0, size - 1) for name, size in PARAMETERS.items()
    }
    print(f"{len(values):,} points, {len(knowledge.known)} known and {len(knowledge.unknown)} unknown objectives")
    seconds: list[float] = []
    for number in range(1, trials + 1):
        watch = processor_stopwatch()
        trial = study.ask(distributions)
        seconds.append(watch.seconds)
        study.tell(trial, values[tuple(trial.params[name] for name in PARAMETERS)].tolist())
        if number in (20, 50, 100, 150, 200) or number == trials:
            print(f"{number} trials: {fmean(seconds):.3f} s on average, {max(seconds):.3f} s at most", flush=True)
            seconds.clear()


if __name__ == "__main__":
    main()
