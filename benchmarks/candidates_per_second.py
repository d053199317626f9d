"""How many candidates of the shipped spaces are built and profiled in a second, and how many there are.

    python benchmarks/candidates_per_second.py [--most 200] [SPACE:BACKBONE ...]

Candidates are drawn at random, the same ones every time, and costed as `splitsearch run` costs them before it trains
any: on the meta device, from shapes alone, for the Jetson Nano, a T4 and LTE. Seconds are those of one processor core,
whatever else the machine does. The first candidate with a new shape of the backbone pays for building it; so the rate
grows with `--most`. Candidates that cannot exist are looked at too, and counted apart.
"""

import argparse
from collections.abc import Sequence
from time import process_time

import torch

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.space.space import find_space, read_space
from splitsearch.spaces.variants.variants import Variants, on_meta

PAIRS = (
    "small:resnet50",
    "hnd:resnet50",
    "bottlefit:resnet50",
    "splitnet:resnet50",
    "edgecompress:resnet50",
    "hnd_densenet:densenet169",
    "hnd_inception:inception_v3",
    "small:resnet152",
    "full:resnet152",
)
COLUMNS = ("space", "backbone", "candidates", "seconds to count", "looked at", "impossible", "a second")


def row(pair: str, most: int) -> tuple[str, ...]:
    """One line of the table."""
    name, _, backbone = pair.partition(":")
    size = 299 if backbone == "inception_v3" else 224
    variants = Variants.trace(backbone, on_meta(usual_module(backbone)), size)
    start = process_time()
    space = read_space(find_space(name)).bind(backbone, variants.graph)
    count = space.size
    counted = process_time() - start
    candidates = space.sample(min(most, count), 0)
    start = process_time()
    impossible = _cost(candidates, variants)
    rate = len(candidates) / (process_time() - start)
    cells = (f"{count:,}", f"{counted:.2f}", str(len(candidates)), str(impossible), f"{rate:.1f}")
    return (name, backbone, *cells)


def _cost(candidates: Sequence[SplitConfig], variants: Variants) -> int:
    """Costs them; returns how many cannot exist."""
    target = Target(device=load_device("jetson"), server=load_device("server_t4"), network=load_network("lte"))
    profiler, impossible = Profiler(target), 0
    for config in candidates:
        try:
            profiler.profile(assemble(config, variants))
        except InfeasibleError:
            impossible += 1
    return impossible


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", metavar="SPACE:BACKBONE", help="none means the shipped ones")
    parser.add_argument("--most", type=int, default=200, help="candidates to look at in each space")
    options = parser.parse_args()
    torch.set_num_threads(1)
    row("small:resnet18", 20)  # what is imported on the way is no part of the first space's time
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for pair in options.pairs or PAIRS:
        print("| " + " | ".join(row(pair, options.most)) + " |", flush=True)


if __name__ == "__main__":
    main()
