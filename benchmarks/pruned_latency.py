"""Whether pruned networks are faster: milliseconds over those of the whole network, beside multiply-adds.

    python benchmarks/pruned_latency.py [--backbone efficientnet_b0] [--runtime onnxruntime] [--runtime eager]

Everything up to the last cut is pruned, by several shares and to several multiples of channels. One thread; all
networks of a runtime are measured in the same rounds of the same process, at one pace.
"""

import argparse
from collections.abc import Iterator

import torch

from splitsearch.profilers.counting.operators import operator_costs, total
from splitsearch.profilers.measure.here import Effort
from splitsearch.profilers.measure.plan import Block, Item
from splitsearch.profilers.measure.recheck import measure_items
from splitsearch.profilers.measure.runtimes import RuntimeOptions
from splitsearch.profilers.measure.series import series_of
from splitsearch.spaces.backbones.loading import fresh_module
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.layout import is_supported
from splitsearch.spaces.variants.variants import Recipe, Variants

SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
MULTIPLES = (1, 4, 8, 16)


def main() -> None:
    """Measures, and prints a table for each backbone and runtime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", action="append")
    parser.add_argument("--runtime", action="append", choices=("onnxruntime", "eager"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for backbone in chosen.backbone or ["efficientnet_b0", "resnet50"]:
        items = dict(networks(backbone))
        macs = {
            key: total(operator_costs(item.graph_module, item.input_shape).values()).macs for key, item in items.items()
        }
        for runtime in chosen.runtime or ["onnxruntime", "eager"]:
            yardstick = 1.0  # any pace will do, as long as it is one
            taken = measure_items(
                list(items.values()), RuntimeOptions(name=runtime), Effort(preset="quick"), lambda *_: None, yardstick
            ).halves
            ms = {key: series_of([*taken[item.name][0], *taken[item.name][1]]).p50 for key, item in items.items()}
            print(f"\n{backbone}, {runtime}\n")
            print("\n".join(report(macs, ms)), flush=True)


def networks(backbone: str) -> Iterator[tuple[tuple[float, int], Item]]:
    """Share and multiple to the pruned network."""
    variants = Variants.trace(backbone, fresh_module(backbone), 224)
    last = [cut for cut in find_cuts(variants.graph, "blocks")[:-1] if is_supported(cut.shape)][-1]
    for share in SHARES:
        for multiple in MULTIPLES if share else (1,):
            recipe = Recipe(image_size=224)
            if share:
                recipe = Recipe(image_size=224, pruned=share, pruning_multiple=multiple, side="head", cut=last.name)
            name = f"{share} {multiple}"
            block = Block(name=name, module=variants.get(recipe).module, input_shape=(3, 224, 224))
            yield (share, multiple), Item(name=name, pieces=(block,))


def report(macs: dict[tuple[float, int], int], ms: dict[tuple[float, int], float]) -> Iterator[str]:
    """Rows of markdown."""
    whole = (0.0, 1)
    yield "| pruned | " + " | ".join(f"multiples of {multiple}: MACs, ms" for multiple in MULTIPLES) + " |"
    yield "|---" * (len(MULTIPLES) + 1) + "|"
    for share in SHARES[1:]:
        cells = [
            f"{macs[share, multiple] / macs[whole]:.2f}, {ms[share, multiple] / ms[whole]:.2f}"
            for multiple in MULTIPLES
        ]
        yield f"| {share:.0%} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
