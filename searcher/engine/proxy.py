"""Short trials on smaller images than those that costs are computed for: what carries over, and how it is labelled.

Accuracies of a proxy resolution rank candidates; they are not the accuracies of the images that are sent. Costs never
come from the proxy: what a coding or an exit saves is measured there as a share, and applied to the real payload.
"""

import math
from dataclasses import replace

from splitsearch.searcher.training.validate import Validation
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["at_proxy", "proxy_note", "scaled_payload"]


def at_proxy(config: SplitConfig, proxy_size: int | None) -> SplitConfig:
    """The candidate on images of `proxy_size` pixels; itself where there is no proxy."""
    return config if proxy_size is None else replace(config, image_size=proxy_size)


def scaled_payload(found: Validation, model: SplitModel, bits: int, real_bytes: float) -> Validation:
    """What was validated on smaller images, with the bytes that the real ones would take.

    Args:
        found: on images of the proxy size.
        model: the candidate on those.
        bits: per element of the payload.
        real_bytes: payload of a real image, before a coding and without an exit.
    """
    crossing = model.crossing
    assert crossing is not None
    share = found.payload_bytes / payload_bytes(math.prod(crossing.output_shape), bits)
    return replace(found, payload_bytes=share * real_bytes)


def proxy_note(proxy_size: int | None, image_size: int | None) -> str:
    """A sentence that says what accuracies are of, or an empty string where they are of the real images."""
    if proxy_size is None:
        return ""
    return f"Accuracies are of images of {proxy_size} px, a proxy; costs are of images of {image_size} px."
