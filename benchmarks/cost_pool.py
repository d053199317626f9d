"""How fast a large space is costed: first with every stage to build, then with the stages known.

    python benchmarks/cost_pool.py [--backbone resnet152] [--space full] [--candidates 10000]
        [--device-profile jetson.json]

The second pass assembles and costs every candidate anew; what it finds known are variants, operator tables and stage
times, as a search finds them. Seconds of one thread of the processor. Weights are random: nothing is downloaded.
"""

import argparse
import platform

import torch

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.profilers.timing import processor_stopwatch
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.space.space import find_space, read_space
from splitsearch.spaces.variants.variants import Variants, on_meta


def main() -> None:
    """Prints one line for each pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet152")
    parser.add_argument("--space", default="full")
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--device-profile", default="jetson.json")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    variants = Variants.trace(chosen.backbone, on_meta(usual_module(chosen.backbone)), 224)
    space = read_space(find_space(chosen.space)).bind(chosen.backbone, variants.graph)
    target = Target(
        device=load_device(chosen.device_profile), server=load_device("server_t4"), network=load_network("lte")
    )
    profiler = Profiler(target)
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, 1 thread; {space.size:,} candidates"
    )
    for what in ("stages to build", "stages known"):
        watch = processor_stopwatch()
        pool = profile_pool(space, variants, profiler, drawn=chosen.candidates)
        count, impossible, seconds = len(pool.profiles) + len(pool.impossible), len(pool.impossible), watch.seconds
        print(f"{what}: {count:,} candidates ({impossible:,} impossible) in {seconds:.1f} s, {count / seconds:,.0f}/s")


if __name__ == "__main__":
    main()
