"""JPEG and WebP files of images."""

import io

import pytest
import torch
from PIL import Image, features

from splitsearch.searcher.data.codecs import CODECS, code, codec_version, require_codec
from splitsearch.spaces.errors import UserError


def noise(n: int = 3, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("codec", CODECS)
def test_files_are_those_that_pillow_writes(codec: str) -> None:
    images = noise()
    coded = code(images, codec, 90)
    for image, result, length in zip(images, coded.images, coded.sizes, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, format=codec, quality=90)
        assert length == len(buffer.getvalue())
        with Image.open(buffer) as again:
            assert bytes(result.permute(1, 2, 0).flatten().tolist()) == again.tobytes()


@pytest.mark.parametrize("codec", CODECS)
def test_a_lower_quality_is_smaller_and_further_away(codec: str) -> None:
    images = noise(side=32)
    fine, coarse = code(images, codec, 95), code(images, codec, 10)
    assert max(coarse.sizes) < min(fine.sizes)
    assert coarse.mean_bytes == sum(coarse.sizes) / 3
    assert (coarse.images.float() - images).abs().mean() > (fine.images.float() - images).abs().mean()


def test_a_uniform_grey_image_survives() -> None:
    images = torch.full((1, 3, 24, 24), 128, dtype=torch.uint8)
    assert torch.equal(code(images, "jpeg", 50).images, images)


def test_times_grow_with_the_pixels() -> None:
    small, large = code(noise(side=32), "webp", 75), code(noise(side=256), "webp", 75)
    assert 0 < small.encode_ms < large.encode_ms
    assert 0 < small.decode_ms < large.decode_ms


def test_no_images_give_no_lengths() -> None:
    coded = code(noise(0), "jpeg", 90)
    assert coded.images.shape == (0, 3, 16, 16)
    assert (coded.sizes, coded.encode_ms) == ((), 0)


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_outside_the_scale_is_refused(quality: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 100, not {quality}"):
        code(noise(), "jpeg", quality)


def test_a_pillow_without_webp_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "webp" in codec_version("webp")
    monkeypatch.setattr(features, "check", lambda name: name != "webp")
    require_codec("jpeg")
    with pytest.raises(UserError, match=r"built without webp: install .* --no-webp"):
        code(noise(), "webp", 50)
