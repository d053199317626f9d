"""A classifier on the device that answers alone when it is confident, so that easy images never cross the network.

The confidence is the largest softmax probability, the margin between the two largest (EdgeCompress; Kong et al., TCAD
2023), or one minus the entropy over its maximum (BranchyNet; Teerapittayanon et al., ICPR 2016). All lie in [0, 1],
larger is surer, so that one threshold means the same direction everywhere.
"""

import math

import torch
from torch import nn

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.layout import Shape, map_shape, to_map

__all__ = ["ExitClassifier", "confidence", "fuse"]


class ExitClassifier(nn.Module):
    """Mean over positions and one linear layer: (N, *shape) to logits (N, classes)."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.shape = shape
        self.classify = nn.Linear(map_shape(shape)[0], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classifies the tensor at the exit."""
        logits: torch.Tensor = self.classify(to_map(x, self.shape).mean((2, 3)))
        return logits


def confidence(logits: torch.Tensor, kind: str) -> torch.Tensor:
    """How sure a classifier is.

    Args:
        logits: (N, classes), at least two classes.
        kind: `max`, `margin` or `entropy`.

    Returns:
        (N,) in [0, 1].

    Raises:
        UserError: no such confidence.
    """
    probabilities = logits.softmax(1)
    if kind == "max":
        return probabilities.amax(1)
    if kind == "margin":
        best = probabilities.topk(2, dim=1).values
        return best[:, 0] - best[:, 1]
    if kind == "entropy":
        entropy: torch.Tensor = -torch.special.xlogy(probabilities, probabilities).sum(1)
        return (1 - entropy / math.log(logits.shape[1])).clamp(0, 1)
    raise UserError(f"unknown confidence '{kind}'{nearest(kind, ('max', 'margin', 'entropy'))}")


def fuse(exit_logits: torch.Tensor, final_logits: torch.Tensor, weight: float) -> torch.Tensor:
    """The answer for an image that did not leave at the exit: final logits plus `weight` times those of the exit.

    A weight of 0 ignores the exit. EdgeCompress sums logits with the later ones times alpha: weight = 1 / alpha.
    """
    return final_logits + weight * exit_logits
