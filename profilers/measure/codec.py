"""Packing as it is done here: the payload's own functions, timed in a pipeline by the agent's protocol."""

from typing import Any

import numpy as np
import torch

from splitsearch.profilers.measure.agent import Task, image_tasks, photograph
from splitsearch.spaces.bottleneck.payload import pack, unpack

__all__ = ["payload_tasks"]

_CODED_BITS = (4, 8)  # below a byte, entropy coding has work to do; at a byte it mostly finds that it has not


def payload_tasks(codec: dict[str, Any], seed: int = 0) -> list[Task]:
    """Packing and unpacking of every size and width, with a coding and without, and image files.

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
        for bits in _CODED_BITS:
            tasks += _both_ways(x, bits, "zstd")
    for side in codec["sides"]:
        for quality in codec["qualities"]:
            tasks += image_tasks(photograph(side, seed), quality)
    return tasks


def _both_ways(x: torch.Tensor, bits: int, coding: str = "none") -> list[Task]:
    data, label = pack(x, bits, coding), {"elements": x.numel(), "bits": bits}
    there, back = ("pack", "unpack") if coding == "none" else (coding, f"un{coding}")
    # Copied before each use: an encoder has just written the tensor, a network the bytes.
    return [
        Task(label | {"op": there}, x.clone, lambda value: pack(value, bits, coding), len(data)),
        Task(label | {"op": back}, lambda: bytes(bytearray(data)), lambda value: unpack(value, x.shape), len(data)),
    ]
