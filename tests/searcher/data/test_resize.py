"""One image to the size of the backbone, against torchvision."""

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Resize

from splitsearch.searcher.data.resize import fit, short_side
from splitsearch.searcher.data.source import PixelArray


def noise(height: int, width: int) -> PixelArray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_an_image_of_the_right_size_stays_untouched() -> None:
    pixels = noise(32, 32)
    assert fit(pixels, 32) is pixels


def test_the_short_side_is_256_for_224() -> None:
    assert short_side(224) == 256


@pytest.mark.parametrize("shape", [(300, 400), (401, 299), (256, 341), (225, 225), (500, 256), (1000, 230)])
def test_a_larger_image_goes_the_way_of_torchvisions_imagenet_practice(shape: tuple[int, int]) -> None:
    pixels = noise(*shape)
    expected = CenterCrop(224)(Resize(256)(Image.fromarray(pixels)))
    assert np.array_equal(fit(pixels, 224), np.asarray(expected))


@pytest.mark.parametrize("shape", [(8, 8), (32, 50), (50, 32), (1, 1), (32, 33)])
def test_a_smaller_image_is_stretched(shape: tuple[int, int]) -> None:
    pixels = noise(*shape)
    expected = Image.fromarray(pixels).resize((32, 32), Image.Resampling.BILINEAR)
    assert np.array_equal(fit(pixels, 32), np.asarray(expected))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 33])
def test_every_size_is_met_exactly(size: int) -> None:
    for shape in ((5, 9), (9, 5), (40, 41), (1, 200)):
        assert fit(noise(*shape), size).shape == (size, size, 3)
