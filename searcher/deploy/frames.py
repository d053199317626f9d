"""Frames between device and server: limits are checked before anything is read or allocated.

`SPLT`, protocol and length of the header (16 bits each), length of the body (32 bits), all little-endian; then the
header, a JSON object, and the body: a payload on the way there, logits on the way back.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from splitsearch.spaces.errors import SplitsearchError

__all__ = ["MAX_HEADER_BYTES", "START", "Frame", "FrameError", "Start", "encode", "read_header", "read_start"]

PROTOCOL = 1
MAX_HEADER_BYTES = 4096
START = struct.Struct("<4sHHI")
_MAGIC = b"SPLT"


class FrameError(SplitsearchError):
    """The other side does not speak this protocol, or exceeds its limits; the connection cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How much follows: both lengths are within their limits."""

    header_bytes: int
    body_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message."""

    header: dict[str, Any]
    body: bytes


def encode(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One message as bytes."""
    text = json.dumps(header).encode()
    if len(text) > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {len(text)} bytes is above {MAX_HEADER_BYTES}")
    return START.pack(_MAGIC, PROTOCOL, len(text), len(body)) + text + body


def read_start(data: bytes, max_body_bytes: int) -> Start:
    """The first 12 bytes of a frame.

    Raises:
        FrameError: they are none, of another protocol, or announce more than is allowed.
    """
    if len(data) < START.size:
        raise FrameError(f"a frame starts with {START.size} bytes, not {len(data)}")
    magic, protocol, header, body = START.unpack_from(data)
    if magic != _MAGIC:
        raise FrameError("this is no frame of splitsearch")
    if protocol != PROTOCOL:
        raise FrameError(f"protocol {protocol} is not spoken here, {PROTOCOL} is")
    if header > MAX_HEADER_BYTES:
        raise FrameError(f"a header of {header} bytes is above the limit of {MAX_HEADER_BYTES}")
    if body > max_body_bytes:
        raise FrameError(f"a body of {body} bytes is above the limit of {max_body_bytes}")
    return Start(header_bytes=header, body_bytes=body)


def read_header(data: bytes) -> dict[str, Any]:
    """The header of a frame.

    Raises:
        FrameError: it is no JSON object.
    """
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FrameError("the header is no JSON") from error
    if not isinstance(header, dict):
        raise FrameError("the header is no JSON object")
    return header
