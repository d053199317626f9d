"""Encoder and decoder."""

import pytest
import torch

from splitsearch.spaces.bottleneck.linear import Decoder, Encoder
from splitsearch.spaces.graph.layout import map_shape


@pytest.mark.parametrize("shape", [(8, 4, 4), (9, 8), (8,), (4, 4, 8)])
def test_shapes_survive_the_bottleneck(shape: tuple[int, ...]) -> None:
    x = torch.randn(3, *shape)
    narrow = Encoder(shape, 2).eval()(x)
    assert tuple(narrow.shape[1:]) == (2, *map_shape(shape)[1:])
    assert Decoder(shape, 2).eval()(narrow).shape == x.shape


def test_started_from_its_components_a_tensor_of_low_rank_is_restored() -> None:
    torch.manual_seed(0)
    components, _ = torch.linalg.qr(torch.randn(8, 3))
    mean = torch.randn(8)
    x = (torch.randn(5, 16, 3) @ components.t() + mean).transpose(1, 2).reshape(5, 8, 4, 4)
    encoder, decoder = Encoder((8, 4, 4), 3).eval(), Decoder((8, 4, 4), 3).eval()
    encoder.start_from(components, mean)
    decoder.start_from(components, mean)
    torch.testing.assert_close(decoder(encoder(x)), x, atol=1e-4, rtol=1e-4)
