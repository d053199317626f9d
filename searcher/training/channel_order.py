"""In which order a map's numbers lie in memory: convolutions on a processor are faster where channels lie side by side.

The values are the same either way, and so is every shape. What enters a network decides for all of its layers, because
convolutions, norms and activations keep the order of their input: modules and checkpoints stay as they are.
"""

import torch

from splitsearch.spaces.graph.layout import map_shape
from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["ordered", "takes_channels_last"]


def takes_channels_last(graph: TracedGraph) -> bool:
    """Whether a network may get maps whose channels lie side by side.

    `Tensor.view` refuses to merge dimensions that do not lie behind one another. A network that calls it, or that has
    parts whose code nobody followed, gets its maps as it is used to them.
    """
    return not graph.opaque and not any(node.op == "call_method" and node.target == "view" for node in graph)


def ordered(x: torch.Tensor) -> torch.Tensor:
    """The same numbers with channels side by side, if `x` is a map (N, C, H, W); other tensors as they are."""
    shape = tuple(x.shape[1:])
    if len(shape) != 3 or map_shape(shape) != shape:
        return x
    return x.contiguous(memory_format=torch.channels_last)
