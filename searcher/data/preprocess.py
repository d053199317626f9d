"""Between stored bytes and a backbone's input: normalisation, and JPEG as the baseline that a split must beat."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

from splitsearch.searcher.data.source import PixelArray

__all__ = ["MEAN", "STD", "jpeg", "normalise"]

MEAN = (0.485, 0.456, 0.406)
"""Mean of red, green, blue in [0, 1] over ImageNet; used for every data set, as pretrained backbones expect it."""

STD = (0.229, 0.224, 0.225)
"""Standard deviation of red, green, blue in [0, 1] over ImageNet; used for every data set."""


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Returns (RGB / 255 - `MEAN`) / `STD`.

    Args:
        images: uint8 (N, 3, S, S), on any device.

    Returns:
        float32 (N, 3, S, S) on the same device.

    Raises:
        ValueError: the images are not uint8: they may have been normalised already.
    """
    if images.dtype != torch.uint8:
        raise ValueError(f"images must be uint8, not {images.dtype}")
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    return images.to(torch.float32).div_(255).sub_(mean).div_(std)


def jpeg(images: torch.Tensor, quality: int) -> tuple[torch.Tensor, list[int]]:
    """Encodes every image as a JPEG file (4:2:0, Pillow's tables) and decodes it again.

    Args:
        images: uint8 (N, 3, S, S).
        quality: 1 to 100, Pillow's scale.

    Returns:
        The decoded images, uint8 (N, 3, S, S), on the images' device, and the length in bytes of each file.

    Raises:
        ValueError: the quality is outside its range.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be 1 to 100, not {quality}")
    source = images.cpu().numpy()
    decoded = np.empty_like(source)

    def work(i: int) -> int:
        pixels, length = _round_trip(np.ascontiguousarray(source[i].transpose(1, 2, 0)), quality)
        decoded[i] = pixels.transpose(2, 0, 1)
        return length

    with ThreadPoolExecutor() as pool:
        lengths = list(pool.map(work, range(len(source))))
    return torch.from_numpy(decoded).to(images.device), lengths


def _round_trip(pixels: PixelArray, quality: int) -> tuple[PixelArray, int]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality)
    length = buffer.tell()
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB")), length
