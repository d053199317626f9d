"""How good a front for another device or network is that costs no training: a search on one target, costed on others.

    python benchmarks/retarget_table.py benchmarks/tables/resnet20_cifar10.csv [--seeds 10] [--percent 8,20]

The table holds latencies on other targets beside those of its own (`benchmarks/run_table.py --target`). The known-cost
sampler searches on the table's own target; what it trained is then costed on each other target, as `splitsearch
retarget` does, and its hypervolume there is compared with that of the whole table there: accuracy, latency and payload
(both on a log scale), each scaled to [0, 1] over the table on that target, reference point 1.1 in each. `random` draws
as many rows, for comparison.
"""

import argparse
from pathlib import Path
from statistics import fmean

import numpy as np
from real_table import Measured

from splitsearch.searcher.engine.simulation.replay import replay


def main() -> None:
    """Prints one line per target and share of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--percent", default="8,20", help="of the table that is trained")
    parser.add_argument("--samplers", default="known-cost,random")
    chosen = parser.parse_args()
    own = Measured(chosen.table)
    others = {
        name: Measured(chosen.table, (f"latency_ms_{name}", "payload_bytes"))
        for name in own.facts["targets_without_training"]
    }
    print("| target | order of latencies (Spearman) | trainings | sampler | share of the front: mean, least, most |")
    for percent in map(float, chosen.percent.split(",")):
        count = round(percent / 100 * len(own.frame))
        for sampler in chosen.samplers.split(","):
            runs = replay(own.table, sampler, count, chosen.seeds)
            for name, there in ({"its own": own} | others).items():
                found = [there.volume(run.rows) / there.whole for run in runs]
                spread = f"{fmean(found):.4f}, {min(found):.4f}, {max(found):.4f}"
                alike = _alike(own, there)
                print(f"| {name} | {alike:.2f} | {count} ({percent:g} %) | {sampler} | {spread} |", flush=True)


def _alike(own: Measured, other: Measured) -> float:
    """How alike two targets order the candidates by latency."""
    ranks = [one.frame[one.table.columns.known[0]].rank().to_numpy() for one in (own, other)]
    return float(np.corrcoef(*ranks)[0, 1])


if __name__ == "__main__":
    main()
