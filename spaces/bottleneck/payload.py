"""What really crosses the network for one image: a header and tightly packed integers.

Quantisation is affine per image, q = round((x - zero) / scale) with scale = (max - min) / (2^bits - 1), the scheme of
Jacob et al. (2018) that head network distillation uses at 8 bits. 32 bits send float32 unchanged. What the tail sees in
training is, bit for bit, what `unpack(pack(x))` returns.
"""

import math
import struct

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from splitsearch.spaces.config import BITS
from splitsearch.spaces.errors import UserError

__all__ = ["HEADER_BYTES", "Quantiser", "pack", "payload_bytes", "unpack"]

_HEADER = struct.Struct("<BBIff")  # version, bits, elements, scale, zero
_VERSION = 1
HEADER_BYTES = _HEADER.size


def payload_bytes(elements: int, bits: int) -> int:
    """Length of what `pack` returns for a tensor of so many elements."""
    return HEADER_BYTES + math.ceil(elements * bits / 8)


def pack(x: torch.Tensor, bits: int) -> bytes:
    """Packs the bottleneck tensor of one image.

    Args:
        x: float32 of any shape, without a batch dimension.
        bits: one of `BITS`.
    """
    if bits == 32:
        header = _HEADER.pack(_VERSION, bits, x.numel(), 1.0, 0.0)
        return header + x.detach().cpu().contiguous().numpy().astype("<f4").tobytes()
    q, scale, zero = _quantise(x[None], bits)
    header = _HEADER.pack(_VERSION, bits, x.numel(), float(scale), float(zero))
    return header + _pack_integers(q.flatten().to(torch.int64).numpy(), bits)


def unpack(data: bytes, shape: tuple[int, ...]) -> torch.Tensor:
    """Reads what `pack` wrote, as float32 of the given shape.

    Raises:
        UserError: the bytes are no payload, are truncated, or hold another number of elements.
    """
    if len(data) < HEADER_BYTES:
        raise UserError(f"a payload of {len(data)} bytes is shorter than its header of {HEADER_BYTES}")
    version, bits, elements, scale, zero = _HEADER.unpack_from(data)
    if version != _VERSION or bits not in BITS:
        raise UserError(f"not a payload of version {_VERSION}: version {version}, {bits} bits")
    if elements != math.prod(shape) or len(data) != payload_bytes(elements, bits):
        raise UserError(
            f"a payload of {len(data)} bytes with {elements} elements does not hold a tensor of shape {shape}"
        )
    body = np.frombuffer(data, dtype=np.uint8, offset=HEADER_BYTES)
    if bits == 32:
        return torch.from_numpy(body.view("<f4").astype(np.float32)).reshape(shape)
    q = torch.from_numpy(_unpack_integers(body, bits, elements)).to(torch.float32).reshape(shape)
    return q * torch.tensor(scale) + torch.tensor(zero)


def _quantise(x: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(N, ...) to integers held as float32, and scale and zero of shape (N, 1, ...)."""
    flat = x.detach().reshape(len(x), -1).float()
    zero = flat.amin(dim=1)
    levels = 2**bits - 1
    scale = (flat.amax(dim=1) - zero) / levels
    # A constant image has no spread: any scale returns it exactly, zero would divide by zero.
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    ones = (-1,) + (1,) * (x.dim() - 1)
    scale, zero = scale.reshape(ones), zero.reshape(ones)
    return ((x.detach().float() - zero) / scale).round().clamp(0, levels), scale, zero


def _pack_integers(values: NDArray[np.int64], bits: int) -> bytes:
    if bits == 16:
        return values.astype("<u2").tobytes()
    planes = (values[:, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(planes.astype(np.uint8).reshape(-1)).tobytes()


def _unpack_integers(body: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.int64]:
    if bits == 16:
        return body.view("<u2").astype(np.int64)
    planes = np.unpackbits(body, count=count * bits).reshape(count, bits).astype(np.int64)
    return planes @ (1 << np.arange(bits - 1, -1, -1))


class Quantiser(nn.Module):
    """The round trip over the wire, (N, ...) to (N, ...); gradients pass straight through (Bengio et al., 2013)."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns what the server unpacks."""
        if self.bits == 32:
            return x
        q, scale, zero = _quantise(x, self.bits)
        received = q * scale + zero
        return x + (received - x).detach() if x.requires_grad else received
