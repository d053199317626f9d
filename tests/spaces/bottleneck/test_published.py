"""The published encoders and decoders: shapes and parameters as their authors recorded them."""

import pytest
from torch import nn

from splitsearch.spaces.bottleneck.published import DECODERS, ENCODERS, decoder_chain, encoder_chain
from splitsearch.spaces.errors import UserError


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "size", "b", "shape", "count"),
    [
        ("hnd", 224, 3, (3, 29, 29), 10_432),
        ("hnd", 224, 12, (12, 29, 29), 12_736),
        ("hnd_inception", 299, 3, (3, 37, 37), 10_432),
        ("bottlefit1", 224, 3, (3, 56, 56), 447),
        ("bottlefit1", 224, 12, (12, 56, 56), 1_788),
        ("bottlefit2", 224, 3, (3, 29, 29), 10_432),
        ("bottlefit3", 224, 3, (3, 15, 15), 147_904),
        ("bottlefit3", 224, 24, (24, 15, 15), 190_912),
        ("crbq", 224, 3, (3, 60, 60), None),
        ("entropic", 224, 24, (24, 55, 55), 138_672),
    ],
)
def test_encoders(name: str, size: int, b: int, shape: tuple[int, ...], count: int | None) -> None:
    chain = encoder_chain(name)
    assert chain.shape((3, size, size), b, 0) == shape
    if count is not None:
        assert parameters(chain.build(3, b, 0)) == count


@pytest.mark.parametrize(
    ("name", "narrow", "target"),
    [
        ("hnd", (3, 29, 29), (512, 28, 28)),
        ("hnd_densenet", (3, 29, 29), (256, 14, 14)),
        ("hnd_inception", (3, 37, 37), (192, 35, 35)),
        ("bottlefit3", (3, 15, 15), (512, 28, 28)),
        ("crbq", (3, 60, 60), (256, 56, 56)),
        ("entropic", (24, 55, 55), (256, 56, 56)),
    ],
)
def test_decoders_lead_to_the_teachers_tensor(name: str, narrow: tuple[int, int, int], target: tuple[int, ...]) -> None:
    assert decoder_chain(name).shape(narrow, narrow[0], target[0]) == target


def test_the_densenet_student_has_as_many_parameters_as_recorded() -> None:
    encoder, decoder = encoder_chain("hnd").build(3, 12, 0), decoder_chain("hnd_densenet").build(12, 12, 256)
    assert parameters(encoder) + parameters(decoder) == 2_137_560


def test_a_slip_of_the_pen_is_named_and_a_chain_is_read() -> None:
    with pytest.raises(UserError, match="unknown encoder 'hdn'; did you mean 'hnd'"):
        encoder_chain("hdn")
    with pytest.raises(UserError, match="unknown decoder 'ligth'; did you mean 'light'"):
        decoder_chain("ligth")
    assert str(encoder_chain("conv3s2-b")) == "conv3s2-b"
    assert set(DECODERS) <= {*ENCODERS, "hnd_densenet"}
