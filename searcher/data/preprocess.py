"""Between stored bytes and a backbone's input: normalisation, the same for every data set."""

import torch

__all__ = ["MEAN", "STD", "normalise"]

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
