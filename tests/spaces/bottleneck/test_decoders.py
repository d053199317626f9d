"""Decoders, and the start that they share with the encoder."""

import pytest
import torch

from splitsearch.spaces.bottleneck.decoders import Decoder, decoder
from splitsearch.spaces.bottleneck.encoders import Encoder
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.layout import map_shape


@pytest.mark.parametrize("name", ["light", "linear"])
@pytest.mark.parametrize("shape", [(8, 4, 4), (9, 8), (8,), (4, 4, 8)])
def test_shapes_survive_the_bottleneck(shape: tuple[int, ...], name: str) -> None:
    x = torch.randn(3, *shape)
    narrow = Encoder(shape, 2).eval()(x)
    assert tuple(narrow.shape[1:]) == (2, *map_shape(shape)[1:])
    assert decoder(name, tuple(narrow.shape[1:]), shape).eval()(narrow).shape == x.shape


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_started_from_its_components_a_tensor_of_low_rank_is_restored(stride: int) -> None:
    torch.manual_seed(0)
    components, _ = torch.linalg.qr(torch.randn(8, 3))
    mean = torch.randn(8)
    values = torch.randn(5, 3, 1, 1).expand(-1, -1, 4, 4) if stride > 1 else torch.randn(5, 3, 4, 4)
    x = torch.einsum("nkhw,ck->nchw", values, components) + mean[:, None, None]
    encoder = Encoder((8, 4, 4), 3, stride=stride).eval()
    restore = Decoder((3, 4 // stride, 4 // stride), (8, 4, 4)).eval()
    encoder.start_from(components, mean)
    restore.start_from(components, mean)
    torch.testing.assert_close(restore(encoder(x)), x, atol=1e-4, rtol=1e-4)


def test_a_published_decoder_leads_to_its_teachers_tensor_only() -> None:
    assert decoder("hnd", (3, 29, 29), (512, 28, 28)).eval()(torch.zeros(1, 3, 29, 29)).shape == (1, 512, 28, 28)
    with pytest.raises(InfeasibleError, match=r"makes 256 x 28 x 28 of 3 x 29 x 29, but .* is 256 x 56 x 56"):
        decoder("hnd", (3, 29, 29), (256, 56, 56))


def test_a_chain_of_ones_own_decodes() -> None:
    assert decoder("conv3p1-c", (2, 4, 4), (8, 4, 4))(torch.zeros(1, 2, 4, 4)).shape == (1, 8, 4, 4)
