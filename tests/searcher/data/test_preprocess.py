"""Normalisation and the JPEG baseline."""

import io

import pytest
import torch
from PIL import Image

from splitsearch.searcher.data.preprocess import MEAN, STD, jpeg, normalise


def noise(n: int = 3, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_black_and_white_have_closed_form_values() -> None:
    images = torch.zeros(2, 3, 1, 1, dtype=torch.uint8)
    images[1] = 255
    expected = torch.tensor([[-m / s, (1 - m) / s] for m, s in zip(MEAN, STD, strict=True)]).T
    torch.testing.assert_close(normalise(images).flatten(1), expected)


def test_normalising_leaves_the_bytes_alone_and_can_be_undone() -> None:
    images = noise()
    before = images.clone()
    result = normalise(images)
    assert torch.equal(images, before)
    assert result.dtype == torch.float32
    back = (result * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)) * 255
    assert torch.equal(back.round().to(torch.uint8), images)


def test_normalising_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be uint8, not torch\.float32"):
        normalise(normalise(noise()))


def test_lengths_are_those_of_the_files_that_pillow_writes() -> None:
    images = noise()
    decoded, lengths = jpeg(images, 90)
    for image, result, length in zip(images, decoded, lengths, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, format="JPEG", quality=90)
        assert length == len(buffer.getvalue())
        with Image.open(buffer) as again:
            assert bytes(result.permute(1, 2, 0).flatten().tolist()) == again.tobytes()


def test_a_lower_quality_is_smaller_and_further_away() -> None:
    images = noise(side=32)
    (fine, fine_lengths), (coarse, coarse_lengths) = jpeg(images, 95), jpeg(images, 10)
    assert max(coarse_lengths) < min(fine_lengths)
    assert (coarse.float() - images).abs().mean() > (fine.float() - images).abs().mean()


def test_a_uniform_grey_image_survives() -> None:
    images = torch.full((1, 3, 24, 24), 128, dtype=torch.uint8)
    assert torch.equal(jpeg(images, 50)[0], images)


def test_no_images_give_no_lengths() -> None:
    decoded, lengths = jpeg(noise(0), 90)
    assert decoded.shape == (0, 3, 16, 16)
    assert lengths == []


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_outside_the_scale_is_refused(quality: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 100, not {quality}"):
        jpeg(noise(), quality)
