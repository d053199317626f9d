"""One image to the size of the backbone, as ImageNet practice has it (256 for the short side, 224 in its centre)."""

import numpy as np
from PIL import Image

from splitsearch.searcher.data.source import PixelArray

__all__ = ["fit", "short_side"]


def short_side(size: int) -> int:
    """Returns the length in pixels that the short side gets before cropping to `size`: 256 for 224."""
    return round(size * 8 / 7)


def fit(pixels: PixelArray, size: int) -> PixelArray:
    """Brings an image of any size to `size` x `size`.

    An image of that size stays untouched; one whose short side is not longer is stretched to it; a larger one is
    shrunk to `short_side(size)` and cropped to its centre. Bilinear with antialiasing, by Pillow.

    Args:
        pixels: uint8 (H, W, 3).
        size: side in pixels.

    Returns:
        uint8 (size, size, 3).
    """
    height, width = pixels.shape[:2]
    if height == width == size:
        return pixels
    image = Image.fromarray(pixels)
    if min(height, width) <= size:
        return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return np.asarray(_centre(_shrink(image, short_side(size)), size))


def _shrink(image: Image.Image, short: int) -> Image.Image:
    width, height = image.size
    # Integer division is torchvision's rounding of the long side.
    scaled = (short, short * height // width) if width <= height else (short * width // height, short)
    return image if scaled == image.size else image.resize(scaled, Image.Resampling.BILINEAR)


def _centre(image: Image.Image, size: int) -> Image.Image:
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    return image.crop((left, top, left + size, top + size))
