"""What really crosses the network for one image: a header and tightly packed integers.

Quantisation is affine per image, q = round((x - zero) / scale) with scale = (max - min) / (2^bits - 1), the scheme of
Jacob et al. (2018) that head network distillation uses at 8 bits. 32 bits send float32 unchanged. What the tail sees in
training is, bit for bit, what `unpack(pack(x))` returns.

With the coding `zstd` the integers are compressed without loss, one byte each, and sent so where that is shorter than
tight packing; the header says which.
"""

import math
import struct
from typing import Any

import numpy as np
import torch
import zstandard
from numpy.typing import NDArray
from torch import nn

from splitsearch.spaces.config import BITS
from splitsearch.spaces.errors import UserError

__all__ = [
    "HEADER_BYTES",
    "Quantiser",
    "pack",
    "pack_values",
    "payload_bytes",
    "quantise",
    "unpack",
    "unpack_values",
]

_HEADER = struct.Struct("<BBIff")  # version, bits (the highest bit says zstd), elements, scale, zero
_ZSTD = 0x80
_LEVEL = 9  # beyond it, payloads of a few kilobytes gain nothing and take longer
_VERSION = 1
HEADER_BYTES = _HEADER.size


def payload_bytes(elements: int, bits: int) -> int:
    """Length of what `pack` returns for a tensor of so many elements; with a coding, the most that it may be."""
    return HEADER_BYTES + math.ceil(elements * bits / 8)


def pack(x: torch.Tensor, bits: int, coding: str = "none") -> bytes:
    """Packs the bottleneck tensor of one image.

    Args:
        x: float32 of any shape, without a batch dimension.
        bits: one of `BITS`.
        coding: `none` or `zstd`.
    """
    if bits == 32:
        return pack_values(x.detach().cpu().contiguous().numpy(), 1.0, 0.0, bits, coding)
    q, scale, zero = quantise(x[None], bits)
    return pack_values(q.numpy(), float(scale), float(zero), bits, coding)


def pack_values(values: NDArray[Any], scale: float, zero: float, bits: int, coding: str = "none") -> bytes:
    """Packs what was quantised already, as an exported head does it inside its graph.

    Args:
        values: integers of one image in 0 … 2^bits - 1, of any shape and number format; float32 with 32 bits.
        scale: of the integers; 1 with 32 bits.
        zero: what the integer 0 stands for; 0 with 32 bits.
        bits: one of `BITS`.
        coding: `none` or `zstd`.
    """
    if bits == 32:
        symbols = tight = values.astype("<f4").tobytes()
    else:
        integers = values.reshape(-1).astype(np.int64)
        tight, symbols = _pack_integers(integers, bits), integers.astype("<u2" if bits == 16 else "u1").tobytes()
    if coding == "zstd" and len(coded := _compress(symbols)) < len(tight):
        return _HEADER.pack(_VERSION, bits | _ZSTD, values.size, scale, zero) + coded
    return _HEADER.pack(_VERSION, bits, values.size, scale, zero) + tight


def _compress(symbols: bytes) -> bytes:
    # The header knows the size and TCP the checksum: the frame needs neither.
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=False, write_checksum=False).compress(symbols)


def unpack(data: bytes, shape: tuple[int, ...]) -> torch.Tensor:
    """Reads what `pack` wrote, as float32 of the given shape.

    Raises:
        UserError: the bytes are no payload, are truncated, or hold another number of elements.
    """
    values, scale, zero = unpack_values(data, shape)
    if values.dtype == np.float32:
        return torch.from_numpy(values)
    return torch.from_numpy(values).to(torch.float32) * torch.tensor(scale) + torch.tensor(zero)


def unpack_values(
    data: bytes, shape: tuple[int, ...], bits: int | None = None
) -> tuple[NDArray[np.int64] | NDArray[np.float32], float, float]:
    """Reads what `pack_values` wrote: the integers, or float32 with 32 bits, in the given shape, with scale and zero.

    Args:
        data: as received.
        shape: of the tensor, without a batch dimension.
        bits: how many there must be; None takes what the header says.

    Raises:
        UserError: the bytes are no payload, are truncated, or hold other elements.
    """
    if len(data) < HEADER_BYTES:
        raise UserError(f"a payload of {len(data)} bytes is shorter than its header of {HEADER_BYTES}")
    version, kind, elements, scale, zero = _HEADER.unpack_from(data)
    found, coded = kind & ~_ZSTD, bool(kind & _ZSTD)
    if version != _VERSION or found not in BITS:
        raise UserError(f"not a payload of version {_VERSION}: version {version}, {found} bits")
    if bits not in (None, found):
        raise UserError(f"a payload of {found} bits came where {bits} bits are expected")
    if elements != math.prod(shape) or (not coded and len(data) != payload_bytes(elements, found)):
        raise UserError(
            f"a payload of {len(data)} bytes with {elements} elements does not hold a tensor of shape {shape}"
        )
    body = _decompress(data[HEADER_BYTES:], elements, found) if coded else data[HEADER_BYTES:]
    octets = np.frombuffer(body, dtype=np.uint8)
    if found == 32:
        return octets.view("<f4").astype(np.float32).reshape(shape), scale, zero
    if coded and found < 16:
        return octets.astype(np.int64).reshape(shape), scale, zero
    return _unpack_integers(octets, found, elements).reshape(shape), scale, zero


def _decompress(body: bytes, elements: int, bits: int) -> bytes:
    size = elements * {16: 2, 32: 4}.get(bits, 1)
    try:
        # One byte more than there may be: a frame that holds more is no payload, and never fills the memory.
        found = zstandard.ZstdDecompressor().decompress(body, max_output_size=size + 1)
    except zstandard.ZstdError as error:
        raise UserError(f"a payload of {len(body)} bytes cannot be decompressed: {error}") from error
    if len(found) != size:
        raise UserError(f"a payload of {len(found)} decompressed bytes holds no {elements} elements of {bits} bits")
    return found


def quantise(x: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(N, ...) to integers held as float32, and scale and zero of shape (N, 1, ...), each image by its own range."""
    flat = x.detach().flatten(1).float()
    zero = flat.amin(dim=1)
    levels = 2**bits - 1
    scale = (flat.amax(dim=1) - zero) / levels
    # A constant image has no spread: any scale returns it exactly, zero would divide by zero.
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    ones = (-1,) + (1,) * (x.dim() - 1)
    scale, zero = scale.reshape(ones), zero.reshape(ones)
    return ((x.detach().float() - zero) / scale).round().clamp(0, levels), scale, zero


def _pack_integers(values: NDArray[np.int64], bits: int) -> bytes:
    if bits in (8, 16):  # the same bytes as bit by bit, several times faster
        return values.astype("<u2" if bits == 16 else "u1").tobytes()
    planes = (values[:, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(planes.astype(np.uint8).reshape(-1)).tobytes()


def _unpack_integers(body: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.int64]:
    if bits in (8, 16):
        return body.view("<u2" if bits == 16 else "u1").astype(np.int64)
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
        q, scale, zero = quantise(x, self.bits)
        received = q * scale + zero
        return x + (received - x).detach() if x.requires_grad else received
