"""Packing as it is done here: the payload's own functions, timed in a pipeline by the agent's protocol."""

from typing import Any

import numpy as np
import torch

from splitsearch.profilers.measure.agent import Task, image_tasks, photograph
from splitsearch.spaces.bottleneck.payload import pack, unpack

__all__ = ["payload_tasks"]


def payload_tasks(codec: dict[str, Any], seed: int = 0) -> list[Task]:
    """Packing and unpacking of every size and width, zstd, and image files.

    Args:
        codec: `elements`, `bits`, `sides`, `qualities`, as jobs.json has them.
        seed: of what is packed.
    """
    draw = np.random.RandomState(seed)
    tasks: list[Task] = []
    for elements in codec["elements"]:
        # What bottlenecks give: a bell curve.
        x = torch.from_numpy(draw.standard_normal(elements).astype(np.float32))
        for bits in codec["bits"]:
            tasks += _both_ways(x, bits)
        tasks.append(
            Task(
                {"op": "zstd", "elements": elements, "bits": 8},
                x.clone,
                lambda value: pack(value, 8, "zstd"),
                len(pack(x, 8, "zstd")),
            )
        )
    for side in codec["sides"]:
        for quality in codec["qualities"]:
            tasks += image_tasks(photograph(side, seed), quality)
    return tasks


def _both_ways(x: torch.Tensor, bits: int) -> list[Task]:
    data, label = pack(x, bits), {"elements": x.numel(), "bits": bits}
    # Copied before each use: an encoder has just written the tensor, a network the bytes.
    return [
        Task(label | {"op": "pack"}, x.clone, lambda value: pack(value, bits), len(data)),
        Task(label | {"op": "unpack"}, lambda: bytes(bytearray(data)), lambda value: unpack(value, x.shape), len(data)),
    ]
