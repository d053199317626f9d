"""How long it takes to find the cuts of every torchvision classifier, and how many there are.

    python benchmarks/find_cuts.py [--format csv] [NAME ...]

Timed is what `splitsearch cuts` waits for before anything is costed: the trace, with its two runs for shapes on the
meta device, and the search for all single cuts. Every network is built on the meta device at its natural size, 299
pixels for inception_v3 and 224 for all others; building it, and listing the places that several tensors cross, is not
timed. Seconds are those of one processor core, whatever else the machine does.
"""

import argparse
import statistics
from time import process_time

import torch

from splitsearch.spaces.backbones.loading import meta_backbone
from splitsearch.spaces.backbones.torchvision import torchvision_names
from splitsearch.spaces.graph.crossings import find_crossings
from splitsearch.spaces.graph.cuts import CUT_SETS, find_cuts
from splitsearch.spaces.graph.trace import trace

COLUMNS = ("name", "nodes", *reversed(CUT_SETS), "crossings", "seconds")


def row(name: str) -> tuple[str, int, int, int, int, int, float]:
    """One line of the table."""
    module = meta_backbone(name, 1000)
    start = process_time()
    graph = trace(module, 299 if name == "inception_v3" else 224)
    every = find_cuts(graph, "all")
    seconds = process_time() - start
    blocks, stages = find_cuts(graph, "blocks"), find_cuts(graph, "stages")
    return name, len(list(graph)), len(every), len(blocks), len(stages), len(find_crossings(graph)), seconds


def main() -> None:
    """Prints the table and the median time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="classifiers; none means all")
    parser.add_argument("--format", choices=("markdown", "csv"), default="markdown")
    options = parser.parse_args()
    torch.set_num_threads(1)
    before, between, after = ("| ", " | ", " |") if options.format == "markdown" else ("", ",", "")
    print(before + between.join(COLUMNS) + after)
    if options.format == "markdown":
        print("|---" * len(COLUMNS) + "|")
    rows = []
    row("alexnet")  # what is imported on the way is no part of the first network's time
    for name in options.names or torchvision_names():
        rows.append(row(name))
        print(before + between.join([*map(str, rows[-1][:-1]), f"{rows[-1][-1]:.2f}"]) + after, flush=True)
    times = [line[-1] for line in rows]
    note = f"{len(rows)} classifiers: median {statistics.median(times):.2f} s, slowest {max(times):.2f} s"
    print(f"\n{note}" if options.format == "markdown" else f"# {note}")


if __name__ == "__main__":
    main()
