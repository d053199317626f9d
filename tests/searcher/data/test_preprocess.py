"""Normalisation."""

import pytest
import torch

from splitsearch.searcher.data.preprocess import MEAN, STD, normalise


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
