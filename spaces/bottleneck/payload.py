"""What really crosses the network for one image: a header and tightly packed integers.

Quantisation is affine per image, q = round((x - zero) / scale) with scale = (max - min) / (2^bits - 1), the scheme of
Jacob et al. (2018) that head network distillation uses at 8 bits. 32 bits send float32 unchanged. What the tail sees in
training is, bit for bit, what `unpack(pack(x))` returns.

With the coding `zstd` the integers are compressed without loss, one byte each, and sent so where that is shorter than
tight packing; the header says which.
"""

import math
import struct

import numpy as np
import torch
import zstandard
from numpy.typing import NDArray
from torch import nn

from splitsearch.spaces.config import BITS
from splitsearch.spaces.errors import UserError

__all__ = ["HEADER_BYTES", "Quantiser", "pack", "payload_bytes", "unpack"]

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
        scale, zero = 1.0, 0.0
        symbols = tight = x.detach().cpu().contiguous().numpy().astype("<f4").tobytes()
    else:
        q, scales, zeros = _quantise(x[None], bits)
        scale, zero = float(scales), float(zeros)
        values = q.flatten().to(torch.int64).numpy()
        tight, symbols = _pack_integers(values, bits), values.astype("<u2" if bits == 16 else "u1").tobytes()
    if coding == "zstd" and len(coded := _compress(symbols)) < len(tight):
        return _HEADER.pack(_VERSION, bits | _ZSTD, x.numel(), scale, zero) + coded
    return _HEADER.pack(_VERSION, bits, x.numel(), scale, zero) + tight


def _compress(symbols: bytes) -> bytes:
    # The header knows the size and TCP the checksum: the frame needs neither.
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=False, write_checksum=False).compress(symbols)


def unpack(data: bytes, shape: tuple[int, ...]) -> torch.Tensor:
    """Reads what `pack` wrote, as float32 of the given shape.

    Raises:
        UserError: the bytes are no payload, are truncated, or hold another number of elements.
    """
    if len(data) < HEADER_BYTES:
        raise UserError(f"a payload of {len(data)} bytes is shorter than its header of {HEADER_BYTES}")
    version, kind, elements, scale, zero = _HEADER.unpack_from(data)
    bits = kind & ~_ZSTD
    if version != _VERSION or bits not in BITS:
        raise UserError(f"not a payload of version {_VERSION}: version {version}, {bits} bits")
    coded = bool(kind & _ZSTD)
    if elements != math.prod(shape) or (not coded and len(data) != payload_bytes(elements, bits)):
        raise UserError(
            f"a payload of {len(data)} bytes with {elements} elements does not hold a tensor of shape {shape}"
        )
    body = _decompress(data[HEADER_BYTES:], elements, bits) if coded else data[HEADER_BYTES:]
    octets = np.frombuffer(body, dtype=np.uint8)
    if bits == 32:
        return torch.from_numpy(octets.view("<f4").astype(np.float32)).reshape(shape)
    integers = octets.astype(np.int64) if coded and bits < 16 else _unpack_integers(octets, bits, elements)
    q = torch.from_numpy(integers).to(torch.float32).reshape(shape)
    return q * torch.tensor(scale) + torch.tensor(zero)


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
        q, scale, zero = _quantise(x, self.bits)
        received = q * scale + zero
        return x + (received - x).detach() if x.requires_grad else received
