"""Frames are checked before anything is read or allocated."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.deploy.frames import (
    MAX_HEADER_BYTES,
    START,
    Frame,
    FrameError,
    Start,
    encode,
    read_header,
    read_start,
)


@given(st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=5), st.binary(max_size=50))
def test_what_was_encoded_is_read(header: dict[str, object], body: bytes) -> None:
    data = encode(header, body)
    start = read_start(data[: START.size], 50)
    assert start == Start(header_bytes=len(data) - START.size - len(body), body_bytes=len(body))
    text = data[START.size : START.size + start.header_bytes]
    assert Frame(header=read_header(text), body=data[len(data) - len(body) :]) == Frame(header=header, body=body)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"SPLT", "starts with 12 bytes, not 4"),
        (b"GET / HTTP/1", "no frame of splitsearch"),
        (struct.pack("<4sHHI", b"SPLT", 2, 2, 0), "protocol 2 is not spoken here, 1 is"),
        (struct.pack("<4sHHI", b"SPLT", 1, MAX_HEADER_BYTES + 1, 0), "a header of 4097 bytes is above"),
        (struct.pack("<4sHHI", b"SPLT", 1, 2, 2**32 - 1), "a body of 4294967295 bytes is above the limit of 100"),
    ],
)
def test_a_hostile_start_is_refused(data: bytes, line: str) -> None:
    with pytest.raises(FrameError, match=line):
        read_start(data, 100)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_start_or_an_error(data: bytes) -> None:
    try:
        start = read_start(data[:12], 100)
    except FrameError:
        return
    assert start.header_bytes <= MAX_HEADER_BYTES
    assert start.body_bytes <= 100


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff", b"[" * 4000])
def test_a_header_is_an_object(text: bytes) -> None:
    with pytest.raises(FrameError, match="the header is no JSON"):
        read_header(text)


def test_a_long_header_is_never_sent() -> None:
    with pytest.raises(ValueError, match="above 4096"):
        encode({"text": "x" * MAX_HEADER_BYTES})
    assert json.loads(encode({"a": 1})[START.size :]) == {"a": 1}
