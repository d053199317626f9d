"""Checksums by block: the same however the bytes come, and no altered byte goes unnoticed."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.training import blocks
from splitsearch.searcher.training.blocks import StreamedBlocks, as_bytes, checksums, first_difference


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 16)


def array(data: bytes) -> blocks.Bytes:
    return np.frombuffer(data, dtype=np.uint8)


def test_each_block_has_the_digest_of_its_bytes() -> None:
    data = bytes(range(40))
    expected = tuple(hashlib.sha256(data[k : k + 16]).hexdigest() for k in (0, 16, 32))
    assert checksums(array(data)) == expected
    assert checksums(array(b"")) == ()


@given(st.lists(st.binary(max_size=50), max_size=6))
def test_bytes_that_come_in_pieces_have_the_same_checksums(pieces: list[bytes]) -> None:
    stream = StreamedBlocks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 16)
        for piece in pieces:
            stream.update(array(piece))
        assert stream.finish() == checksums(array(b"".join(pieces)))


@given(st.binary(min_size=1, max_size=100), st.data())
def test_any_altered_byte_is_found_in_its_block(content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(content) - 1))
    altered = bytearray(content)
    altered[place] ^= data.draw(st.integers(1, 255))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 16)
        known = checksums(array(content))
        assert first_difference(array(content), known) is None
        assert first_difference(array(bytes(altered)), known) == place // 16


def test_a_sample_looks_at_so_many_blocks_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    data = array(bytes(160))
    known = list(checksums(data))
    known[7] = "another"
    monkeypatch.setattr(blocks.random, "sample", lambda chosen, count: list(chosen)[:count])
    assert first_difference(data, known, sample=7) is None
    assert first_difference(data, known, sample=8) == 7
    assert first_difference(data, known, sample=99) == 7


def test_another_length_differs_from_the_first_missing_block_on() -> None:
    data = array(bytes(40))
    assert first_difference(data[:16], checksums(data)) == 1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.int64])
def test_the_bytes_of_a_tensor_are_those_in_its_order(dtype: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    assert bytes(as_bytes(tensor.T)) == bytes(as_bytes(tensor.T.clone(memory_format=torch.contiguous_format)))
    assert len(as_bytes(tensor)) == 6 * dtype.itemsize
    assert len(as_bytes(tensor[:0])) == 0
