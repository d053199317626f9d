"""How far an accuracy measured on a few images may be from the truth."""

import math
from statistics import NormalDist

__all__ = ["wilson_interval"]


def wilson_interval(accuracy: float, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion (Wilson, 1927).

    Args:
        accuracy: share of hits in [0, 1].
        images: how many were tried, at least 1.
        confidence: of the two-sided interval, between 0 and 1.

    Returns:
        The ends, in [0, 1]; the accuracy itself lies between them or on one.

    Raises:
        ValueError: an argument is out of its range.
    """
    if not (0 <= accuracy <= 1 and images >= 1 and 0 < confidence < 1):
        raise ValueError(f"no interval for accuracy {accuracy} of {images} images at confidence {confidence}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (accuracy + z * z / (2 * images)) / (1 + z * z / images)
    spread = z * math.sqrt(accuracy * (1 - accuracy) / images + z * z / (4 * images**2)) / (1 + z * z / images)
    # At 0 and 1 the ends are exact on paper; rounding must not put them beside the accuracy.
    return max(0.0, min(accuracy, centre - spread)), min(1.0, max(accuracy, centre + spread))
