"""Between the two graphs: the integers of a batch become one payload for each image, and tensors again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splitsearch.spaces.bottleneck.payload import pack_values, unpack_values
from splitsearch.spaces.config import SplitConfig

__all__ = ["Arrays", "packed", "received"]

Arrays = dict[str, NDArray[Any]]
"""Tensors of a batch by the names of the graphs."""


def packed(outputs: Mapping[str, NDArray[Any]], config: SplitConfig) -> list[bytes]:
    """What is sent for each image.

    Args:
        outputs: of a head.
        config: the candidate, whose bits and coding count.
    """
    count = len(outputs["payload"])
    scale, zero = (outputs.get(name, np.full(count, value)) for name, value in (("scale", 1.0), ("zero", 0.0)))
    return [
        pack_values(outputs["payload"][k], float(scale[k]), float(zero[k]), config.bits, config.coding)
        for k in range(count)
    ]


def received(payloads: Sequence[bytes], shape: tuple[int, ...], bits: int) -> Arrays:
    """What a tail takes.

    Args:
        payloads: one for each image.
        shape: (channels, h, w) of the tensor that crosses.
        bits: of each element.

    Raises:
        UserError: one of them is no such payload.
    """
    found = [unpack_values(payload, shape, bits) for payload in payloads]
    kind = np.float32 if bits == 32 else np.int32 if bits == 16 else np.uint8
    arrays: Arrays = {"payload": np.stack([values for values, _, _ in found]).astype(kind)}
    if bits < 32:
        arrays["scale"] = np.array([scale for _, scale, _ in found], dtype=np.float32)
        arrays["zero"] = np.array([zero for _, _, zero in found], dtype=np.float32)
    return arrays
