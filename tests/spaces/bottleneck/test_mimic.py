"""The compact encoder."""

import pytest
import torch

from splitsearch.spaces.bottleneck.mimic import MimicEncoder, mimic_encoder
from splitsearch.spaces.errors import InfeasibleError


@pytest.mark.parametrize(
    ("shape", "size"),
    [((256, 56, 56), 224), ((512, 4, 4), 32), ((192, 35, 35), 299), ((2048,), 64), ((64, 32, 32), 32)],
)
def test_the_bottleneck_has_the_size_of_the_target(shape: tuple[int, ...], size: int) -> None:
    narrow = mimic_encoder(shape, 3, size).eval()(torch.randn(2, 3, size, size))
    side = shape[1] if len(shape) == 3 else 1
    assert narrow.shape == (2, 3, side, side)


def test_deeper_targets_take_more_strides() -> None:
    shallow, deep = mimic_encoder((64, 16, 16), 1, 32), mimic_encoder((64, 4, 4), 1, 32)
    assert isinstance(shallow, MimicEncoder)
    assert isinstance(deep, MimicEncoder)
    assert len(deep.features) > len(shallow.features)


@pytest.mark.parametrize("shape", [(197, 768), (8, 4, 2)])
def test_what_is_no_square_map_cannot_be_imitated(shape: tuple[int, ...]) -> None:
    with pytest.raises(InfeasibleError, match="square map"):
        mimic_encoder(shape, 3, 224)
