"""A machine whose kernels follow a law that is known, measured as a profile file would hold it."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from torch import nn

from splitsearch.profilers.devices.device import DeviceProfile, load_device
from splitsearch.profilers.predict.features import work
from splitsearch.profilers.predict.fuse import kernels_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.graph.cuts import find_cuts, split_at
from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.variants.variants import Variants

Law = Callable[[Kernel], float]


def law(kernel: Kernel) -> float:
    """A launch, MACs, bytes, and blocks of channels that suit the machine more or less: no factor of the model's."""
    launch, macs, read, written, weights = work(kernel)
    uneven = 1 + 0.3 * math.sin(math.log2(-(-kernel.out_channels // 16)))
    return float(uneven * (0.2 * launch + 2e-6 * macs + 1e-5 * (read + written) + 2e-6 * weights))


def narrow(width: int, stride: int) -> nn.Sequential:
    """A small network of many widths."""
    layers: list[nn.Module] = []
    before = 3
    for step in range(4):
        after = width * (step + 1)
        layers += [nn.Conv2d(before, after, 3, stride if step % 2 else 1, 1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 1), nn.MaxPool2d(2 if step == 0 else 1)]
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10)).eval()


def series(ms: float) -> dict[str, Any]:
    return {"n": 20, "p10": 0.99 * ms, "p50": ms, "p90": 1.02 * ms, "iqr": 0.01 * ms}


def fields(kernel: Kernel) -> dict[str, Any]:
    return {name: getattr(kernel, name) for name in Kernel.__dataclass_fields__}


@pytest.fixture(scope="session")
def the_law() -> Law:
    return law


@pytest.fixture(scope="session")
def taught() -> list[tuple[str, tuple[Kernel, ...]]]:
    """Networks whose kernels were measured, in ONNX Runtime's fusion."""
    return [
        (f"net {width} {stride}", kernels_of(narrow(width, stride), (3, 32, 32), "onnxruntime"))
        for width in (4, 8, 12, 16, 24, 32, 48, 64)
        for stride in (1, 2)
    ]


def tiny() -> Variants:
    """The structure of the shared `network`, which is found again by its hash."""

    def block(before: int, after: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())

    layers = (block(3, 8), block(8, 16), block(16, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return Variants.trace("net", nn.Sequential(*layers).eval(), 32)


@pytest.fixture(scope="session")
def measured_device(taught: Sequence[tuple[str, tuple[Kernel, ...]]]) -> DeviceProfile:
    """The tiny network with all its heads and tails, and what was taught; tables are 3 % above the law."""

    def whole(kernels: Sequence[Kernel]) -> dict[str, Any]:
        return series(1.03 * sum(law(kernel) for kernel in kernels))

    graph = tiny().graph
    cuts = []
    for cut in find_cuts(graph, "blocks"):
        head, tail = split_at(graph, cut)
        after = kernels_of(tail, cut.shape, "onnxruntime") if cut.node != graph.output.name else ()
        row = {"cut": cut.name, "shape": cut.shape, "head": whole(kernels_of(head, (3, 32, 32), "onnxruntime"))}
        cuts.append(row | {"tail": whole(after) if after else None})
    measured = {
        "machine": {"board": "a board", "cpu": "a core", "cores": 2, "memory_mib": 1024, "os": "an OS", "python": "3"},
        "power_state": {},
        "runtime": {
            "name": "onnxruntime", "version": "1", "provider": "CPUExecutionProvider", "threads": 1, "dtype": "float32"
        },
        "protocol": {"preset": "quick", "rounds": 4, "warmup": 1, "seconds": 3.5, "seed": 0, "clock": "perf_counter"},
        "environment": {"disturbed": 0.0, "halves_off": 0.0, "halves_percent": 1.0, "ok": True},
        "created": "2026-11-21T00:00:00Z",
        "tool": "splitsearch",
        "backbones": [
            {
                "backbone": "net", "image_size": 32, "graph": structure_hash(graph), "cuts": cuts,
                "whole": whole(kernels_of(graph.module, (3, 32, 32), "onnxruntime")),
            }
        ],
        "kernels": [
            fields(kernel) | {"ms": law(kernel), "n": 20, "where": where} for where, found in taught for kernel in found
        ],
        "parts": [
            {"name": f"side {where}", "kernels": [fields(kernel) for kernel in found], "series": whole(found)}
            for where, found in taught[::3]
        ],
        "codec": [
            {"op": op, "elements": elements, "bits": 8, "bytes_out": elements, "series": series(1e-4 * elements)}
            for op in ("pack", "unpack")
            for elements in (100, 1000, 10000)
        ],
    }  # fmt: skip
    return DeviceProfile.model_validate_json(json.dumps(load_device("server_cpu").to_json() | {"measured": measured}))
