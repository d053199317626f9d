"""Encoders: one convolution on the backbone's tensor, or a small network of their own."""

import math

import pytest
import torch

from splitsearch.spaces.bottleneck.encoders import Encoder, MimicEncoder, mimic_encoder
from splitsearch.spaces.errors import InfeasibleError, UserError


@pytest.mark.parametrize(
    ("shape", "size"),
    [((256, 56, 56), 224), ((512, 4, 4), 32), ((192, 35, 35), 299), ((2048,), 64), ((64, 32, 32), 32)],
)
def test_the_bottleneck_has_the_size_of_the_target(shape: tuple[int, ...], size: int) -> None:
    encoder, narrow = mimic_encoder(shape, 3, size)
    side = shape[1] if len(shape) == 3 else 1
    assert narrow == (3, side, side)
    assert encoder.eval()(torch.randn(2, 3, size, size)).shape == (2, *narrow)


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("side", [8, 7])
def test_a_stride_divides_the_sides_and_rounds_up(stride: int, side: int) -> None:
    expected = math.ceil(side / stride)
    x = torch.randn(1, 5, side, side)
    assert Encoder((5, side, side), 3, stride=stride)(x).shape == (1, 3, expected, expected)
    encoder, narrow = mimic_encoder((5, side, side), 3, 64, stride=stride)
    assert narrow == (3, expected, expected)
    assert encoder.eval()(torch.randn(1, 3, 64, 64)).shape == (1, *narrow)


def test_width_and_depth_shape_the_compact_encoder() -> None:
    convolutions = {
        (width, depth): [
            layer.out_channels
            for layer in mimic_encoder((64, 4, 4), 1, 32, width=width, depth=depth)[0].modules()
            if isinstance(layer, torch.nn.Conv2d)
        ]
        for width, depth in ((32, 1), (16, 0), (8, 3))
    }
    assert convolutions[32, 1] == [32, 64, 128, 128, 1]
    assert convolutions[16, 0] == [16, 32, 64, 1]
    assert convolutions[8, 3] == [8, 16, 32, 32, 32, 32, 1]


def test_deeper_targets_take_more_strides() -> None:
    shallow, _ = mimic_encoder((64, 16, 16), 1, 32)
    deep, _ = mimic_encoder((64, 4, 4), 1, 32)
    assert isinstance(shallow, MimicEncoder)
    assert isinstance(deep, MimicEncoder)
    assert len(deep.features) > len(shallow.features)


def test_a_published_encoder_keeps_its_own_strides() -> None:
    encoder, narrow = mimic_encoder((512, 28, 28), 3, 224, name="hnd")
    assert narrow == (3, 29, 29)
    assert encoder.eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 3, 29, 29)
    with pytest.raises(InfeasibleError, match="has its own strides"):
        mimic_encoder((512, 28, 28), 3, 224, name="hnd", stride=2)
    with pytest.raises(UserError, match="did you mean 'hnd'"):
        mimic_encoder((512, 28, 28), 3, 224, name="hnb")


def test_a_chain_must_end_in_the_bottleneck() -> None:
    with pytest.raises(InfeasibleError, match="ends in 8 channels"):
        mimic_encoder((512, 28, 28), 3, 224, name="conv3s2-8")


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_an_activation_stands_before_the_wire(name: str) -> None:
    x = 10 * torch.randn(4, 8, 4, 4)
    narrow = Encoder((8, 4, 4), 3, activation_name=name)(x)
    assert narrow.min() >= (0 if name == "relu" else -1)
    if name == "tanh":
        assert narrow.max() <= 1


@pytest.mark.parametrize("shape", [(197, 768), (8, 4, 2)])
def test_what_is_no_square_map_cannot_be_imitated(shape: tuple[int, ...]) -> None:
    with pytest.raises(InfeasibleError, match="square map"):
        mimic_encoder(shape, 3, 224)


@pytest.mark.parametrize("shape", [(197, 768), (8,), (8, 1, 1)])
def test_what_has_no_pixels_to_spare_cannot_be_strided(shape: tuple[int, ...]) -> None:
    with pytest.raises(InfeasibleError, match="stride of 2"):
        Encoder(shape, 2, stride=2)


def normal_equations(encoder: MimicEncoder, images: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest slope of the squared error in the last layer's weights, over what it is where they are nothing."""
    features = encoder.fit(encoder.features.train()(images)).detach()
    rows = features.permute(0, 2, 3, 1).flatten(0, 2)
    aim = wanted.permute(0, 2, 3, 1).flatten(0, 2)
    made = encoder.project(features).permute(0, 2, 3, 1).flatten(0, 2).detach()
    centred = rows - rows.mean(0)
    return float((centred.t() @ (made - aim)).abs().max() / (centred.t() @ (aim - aim.mean(0))).abs().max())


@pytest.mark.parametrize("activation", ["none", "tanh"])
def test_a_mimic_starts_where_its_last_layer_can_gain_no_more(activation: str) -> None:
    torch.manual_seed(0)
    encoder = mimic_encoder((16, 8, 8), 3, 32, activation_name=activation)[0]
    assert isinstance(encoder, MimicEncoder)
    images, wanted = torch.randn(40, 3, 32, 32), torch.randn(40, 3, 8, 8)
    wanted += torch.nn.functional.avg_pool2d(images, 4)
    encoder.eval().start_towards(images, wanted)
    assert not encoder.features.training
    if activation == "tanh":  # the layer before it is fitted
        assert isinstance(encoder.project, torch.nn.Sequential)
        encoder.project = encoder.project[0]
    assert normal_equations(encoder, images, wanted) < 0.02


def test_features_that_say_nothing_leave_the_mean() -> None:
    encoder = mimic_encoder((16, 8, 8), 2, 32)[0]
    assert isinstance(encoder, MimicEncoder)
    wanted = torch.tensor([3.0, -1.0])[None, :, None, None].expand(8, 2, 8, 8)
    encoder.start_towards(torch.zeros(8, 3, 32, 32), wanted)
    assert torch.allclose(encoder.eval()(torch.zeros(1, 3, 32, 32)), wanted[:1], atol=1e-5)
