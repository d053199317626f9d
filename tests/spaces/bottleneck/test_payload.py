"""What crosses the network."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.spaces.bottleneck.payload import (
    HEADER_BYTES,
    Quantiser,
    pack,
    pack_values,
    payload_bytes,
    quantise,
    unpack,
    unpack_values,
)
from splitsearch.spaces.config import BITS, CODINGS
from splitsearch.spaces.errors import UserError

TENSORS = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=60).map(torch.tensor)


@given(x=TENSORS, bits=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 16]))
def test_the_round_trip_errs_by_half_a_step(x: torch.Tensor, bits: int) -> None:
    data = pack(x, bits)
    assert len(data) == payload_bytes(x.numel(), bits)
    spread = float(x.max() - x.min())
    bound = spread / (2**bits - 1) / 2 * 1.001 + 1e-6 * float(x.abs().max()) * 4 + 1e-6
    assert float((unpack(data, tuple(x.shape)) - x).abs().max()) <= bound


@given(x=TENSORS)
def test_32_bits_are_exact(x: torch.Tensor) -> None:
    assert torch.equal(unpack(pack(x, 32), tuple(x.shape)), x)


@given(x=TENSORS, bits=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 16, 32]))
def test_training_sees_bit_for_bit_what_the_server_unpacks(x: torch.Tensor, bits: int) -> None:
    assert torch.equal(Quantiser(bits)(x[None])[0], unpack(pack(x, bits), tuple(x.shape)))


def test_packing_is_tight() -> None:
    assert len(pack(torch.randn(3, 29, 29), 8)) == HEADER_BYTES + 2523
    assert len(pack(torch.randn(10), 3)) == HEADER_BYTES + 4


def test_gradients_pass_straight_through() -> None:
    x = torch.randn(2, 5, requires_grad=True)
    (Quantiser(2)(x) * torch.arange(5.0)).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.equal(x.grad, torch.arange(5.0).expand(2, 5))


def test_a_constant_image_survives() -> None:
    x = torch.full((4,), 2.5)
    assert torch.equal(unpack(pack(x, 4), (4,)), x)


@pytest.mark.parametrize(
    "spoil", [lambda d: d[:5], lambda d: d[:-1], lambda d: b"\x07" + d[1:], lambda d: d[:1] + b"\x09" + d[2:]]
)
def test_spoilt_bytes_are_refused(spoil: object) -> None:
    data = pack(torch.randn(6), 8)
    with pytest.raises(UserError):
        unpack(spoil(data), (6,))  # type: ignore[operator]


def test_another_shape_is_refused() -> None:
    with pytest.raises(UserError, match="does not hold a tensor of shape"):
        unpack(pack(torch.randn(6), 8), (7,))


@given(st.sampled_from(BITS), st.sampled_from(CODINGS))
def test_what_was_quantised_elsewhere_is_packed_the_same(bits: int, coding: str) -> None:
    x = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(bits))
    q, scale, zero = (x[None], torch.ones(1), torch.zeros(1)) if bits == 32 else quantise(x[None], bits)
    values = q[0].numpy().astype({32: np.float32, 16: np.int32}.get(bits, np.uint8))
    data = pack_values(values, float(scale), float(zero), bits, coding)
    assert data == pack(x, bits, coding)
    found, *affine = unpack_values(data, (3, 4, 4), bits)
    assert np.array_equal(found, values)
    assert affine == [float(scale), float(zero)]


def test_a_payload_of_other_bits_is_refused() -> None:
    with pytest.raises(UserError, match="a payload of 4 bits came where 8 bits are expected"):
        unpack_values(pack(torch.randn(8), 4), (8,), 8)
