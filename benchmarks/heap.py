"""What it costs in PyTorch that the C library hands freed memory back to the system, and what the heap's layout does.

    python benchmarks/heap.py [--backbone efficientnet_b0] [--runs 15]

In new processes, one that leaves the C library as it is and one that keeps what it frees (`profilers/heap.py`): heads
of the backbone and a training step of the whole, one thread, the median of the thread's own time and of the page faults
of a run. All are timed twice; between, other blocks are allocated and some of them freed, as any program does. Then
once at each of twelve random layouts of the heap: the least and the most of these medians.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch

from splitsearch.profilers.heap import ShiftingHeap, keep_freed_memory
from splitsearch.profilers.timing import processor_ns
from splitsearch.spaces.backbones.loading import fresh_module
from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.graph.trace import trace

CUTS, LAYOUTS = 3, 12
BATCH = 8


def main() -> None:
    """Prints the table, or in a process of its own the figures of one row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet_b0")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--heap", choices=("as it is", "kept"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.heap:
        print(json.dumps(measured(chosen.backbone, chosen.runs, kept=chosen.heap == "kept")))
        return
    print("| heap | network | first ms | page faults | again ms | page faults | least | most |")
    print("|---|---|---|---|---|---|---|---|")
    for heap in ("as it is", "kept"):
        command = [sys.executable, __file__, "--backbone", chosen.backbone, "--runs", str(chosen.runs), "--heap", heap]
        rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for name, *found, layouts in rows:
            told = " | ".join(f"{ms:.1f} | {faults:.0f}" for ms, faults in found)
            print(f"| {heap} | {name} | {told} | {min(layouts):.1f} | {max(layouts):.1f} |")


def measured(backbone: str, runs: int, *, kept: bool) -> list[Any]:
    """Name, milliseconds and faults before and after the heap was used for something else, and of each layout."""
    if kept and not keep_freed_memory():
        raise SystemExit("this C library is not glibc")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    graph = trace(fresh_module(backbone), 224)
    cuts = find_cuts(graph, "stages")
    works = {f"head at {cut.name}": forward(split_at(graph, cut)[0]) for cut in cuts[:CUTS]}
    works["whole"] = forward(graph.module)
    works[f"training step, {BATCH} images"] = step(graph.module)
    before = {name: figures(work, runs) for name, work in works.items()}
    rest = use_the_heap()
    after = {name: figures(work, runs) for name, work in works.items()}
    del rest
    heap, layouts = ShiftingHeap(), {name: list[float]() for name in works}
    for _ in range(LAYOUTS):
        heap.shift()
        for name, work in works.items():
            layouts[name].append(figures(work, runs)[0])
    return [[name, before[name], after[name], layouts[name]] for name in works]


def forward(module: torch.nn.Module) -> Callable[[], Any]:
    """One image through a head."""
    image = torch.randn(1, 3, 224, 224)

    def run() -> Any:
        with torch.inference_mode():
            return module(image)

    return run


def step(module: torch.nn.Module) -> Callable[[], Any]:
    """Forward and backward of a batch."""
    images = torch.randn(BATCH, 3, 224, 224)

    def run() -> Any:
        module(images).square().mean().backward()

    return run


def use_the_heap() -> list[torch.Tensor]:
    """Blocks of many sizes, of which every third stays."""
    return [torch.empty(1000 + 7919 * place) for place in range(200)][::3]


def figures(work: Callable[[], Any], runs: int) -> tuple[float, float]:
    """Median milliseconds and page faults."""
    work()
    samples = []
    for _ in range(runs):
        faults, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, processor_ns()
        work()
        took = (processor_ns() - start) / 1e6
        samples.append((took, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults))
    return statistics.median(ms for ms, _ in samples), statistics.median(faults for _, faults in samples)


if __name__ == "__main__":
    main()
