"""Gradients of the loss in a network that has learned: what pruning by `taylor` judges channels with."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise

__all__ = ["gradients_on"]

_IMAGES = 256
_CHUNK = 64


def gradients_on(data: Dataset, seed: int) -> Callable[[nn.Module], None]:
    """Makes a function that leaves the mean loss's gradients of some training images in a network's parameters.

    Args:
        data: 256 of its training images are used, the same ones for every network.
        seed: draws them.
    """
    drawn = torch.randperm(len(data.train.labels), generator=torch.Generator().manual_seed(seed))[:_IMAGES]

    def backward(module: nn.Module) -> None:
        """Cross-entropy, in evaluation mode: norms keep their statistics."""
        frozen = [parameter for parameter in module.parameters() if not parameter.requires_grad]
        module.eval().requires_grad_(True).zero_grad(set_to_none=True)
        with torch.enable_grad():
            for chunk in torch.split(drawn, _CHUNK):
                logits = module(normalise(data.train.images[chunk]))
                loss = functional.cross_entropy(logits, data.train.labels[chunk], reduction="sum") / len(drawn)
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for parameter in frozen:
            parameter.requires_grad_(False)

    return backward
