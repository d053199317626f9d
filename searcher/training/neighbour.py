"""A candidate that starts from one that was trained: same cut, same parts, another number of channels.

What both have is copied, the leading channels first: they begin as the leading principal components, in order. What a
wider candidate has beyond that stays as it started, a narrower one leaves the last channels out.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["nearest", "take_over"]


def nearest(config: SplitConfig, trained: Iterable[SplitConfig]) -> SplitConfig | None:
    """Of those that differ in channels alone, besides what needs no training, the one with the nearest number.

    Args:
        config: that is to be trained.
        trained: candidates whose weights are there.

    Returns:
        None if there is none. Of two that are equally near, in ratio, the narrower one.
    """
    alike = [other for other in trained if _parts(other) == _parts(config)]
    return min(alike, key=lambda other: (_distance(config, other), other.channels, other.key), default=None)


def _parts(config: SplitConfig) -> SplitConfig:
    """What the weights of a candidate are of, but for its channels."""
    return replace(config, channels=1, bits=8, coding="none", exit_cut=None)


def _distance(one: SplitConfig, other: SplitConfig) -> float:
    return abs(math.log(one.channels / other.channels))


@torch.no_grad()
def take_over(model: SplitModel, tensors: Mapping[str, torch.Tensor]) -> None:
    """Copies into a candidate's own parts what it has in common with trained ones.

    Args:
        model: the candidate, with its own copies of what learns.
        tensors: `stage.parameter` to value, as checkpoints have them. What has no namesake of as many dimensions is
            left out.
    """
    for stage in model.stages:
        if stage.original:
            continue
        for key, own in stage.module.state_dict().items():
            other = tensors.get(f"{stage.name}.{key}")
            if other is not None and other.dim() == own.dim():
                common = tuple(slice(min(a, b)) for a, b in zip(own.shape, other.shape, strict=True))
                own[common] = other[common].to(own)
