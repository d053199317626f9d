"""Finds the building blocks of a network by what they hold and yield, so that no list of families is needed.

A stage is a run of blocks of one kind in a sequence, of which every one but the first yields the shape that it takes:
ResNets have their stages as sequences, MobileNets have all in one, RegNets and MNASNets nest them.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.graph.layout import Shape
from splitsearch.spaces.graph.shapes import shapes_only

__all__ = ["Stage", "find_stages", "repeated_parts"]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
Calls = dict[str, list[tuple[Shape | None, Shape | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A block and those that follow it with its kind and shape: every one but the first can be left out.

    Attributes:
        container: path of the sequence that holds them; empty for the network itself.
        blocks: their names in it, in order.
    """

    container: str
    blocks: tuple[str, ...]

    @property
    def paths(self) -> list[str]:
        """The blocks by their paths in the network."""
        return [f"{self.container}.{block}" if self.container else block for block in self.blocks]


def find_stages(module: nn.Module, image_size: int) -> list[Stage]:
    """The stages of a network, from the input to the output; some have a single block.

    Args:
        module: takes images (N, 3, S, S); on any device, since shapes are all that is looked at.
        image_size: S in pixels.

    Raises:
        InfeasibleError: it does not run at this size.
    """
    calls = _shapes(module, image_size)
    sequences = [(path, part) for path, part in module.named_modules() if isinstance(part, nn.Sequential)]
    stages = [stage for path, sequence in sequences for stage in _runs(path, sequence, calls)]
    places = [f"{path}." for stage in stages for path in stage.paths]
    # A sequence inside a block is that block's own affair: its layers may look alike and are no blocks.
    return [stage for stage in stages if not any(f"{stage.container}.".startswith(place) for place in places)]


def repeated_parts(module: nn.Module) -> list[str]:
    """Paths of all parts of a kind that comes more than once, whatever it is called: blocks, and parts of blocks."""
    parts = [(path, part) for path, part in module.named_modules() if path and _has_parts(part)]
    parts = [(path, part) for path, part in parts if not isinstance(part, _CONTAINERS)]
    kinds = Counter(type(part) for _, part in parts)
    return [path for path, part in parts if kinds[type(part)] > 1]


def _runs(path: str, sequence: nn.Sequential, calls: Calls) -> Iterator[Stage]:
    run: list[str] = []
    kind: type[nn.Module] | None = None
    for name, child in sequence.named_children():
        is_block = _has_parts(child) and not isinstance(child, nn.Sequential)  # a block that adds has its own forward
        follows = type(child) is kind and _keeps_shape(child, calls[f"{path}.{name}" if path else name])
        if run and not follows:
            yield Stage(container=path, blocks=tuple(run))
            run = []
        if is_block:
            run.append(name)
        kind = type(child)
    if run:
        yield Stage(container=path, blocks=tuple(run))


def _has_parts(module: nn.Module) -> bool:
    return any(True for _ in module.children())


def _keeps_shape(block: nn.Module, calls: list[tuple[Shape | None, Shape | None]]) -> bool:
    strides = {stride for layer in block.modules() if isinstance(layer, nn.Conv2d) for stride in layer.stride}
    # On a map of one pixel a stride leaves no trace in the shape.
    return strides <= {1} and bool(calls) and all(before is not None and before == after for before, after in calls)


def _shapes(module: nn.Module, image_size: int) -> Calls:
    """Shapes that enter and leave every part, call by call; None for what is not one tensor."""
    weightless: dict[int, Any] = {
        id(weight): nn.Parameter(torch.empty_like(weight, device="meta"), requires_grad=False)
        for weight in module.parameters()
    }
    ghost = copy.deepcopy(module, weightless).to("meta").eval()
    calls: Calls = defaultdict(list)
    for path, part in ghost.named_modules():

        def record(_: nn.Module, inputs: tuple[Any, ...], output: object, path: str = path) -> None:
            calls[path].append((_shape(inputs[0]) if len(inputs) == 1 else None, _shape(output)))

        part.register_forward_hook(record)
    try:
        with torch.no_grad(), shapes_only():
            ghost(torch.empty(1, 3, image_size, image_size, device="meta"))
    except Exception as error:  # the network's own Python may raise anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InfeasibleError(
            f"{type(module).__name__} does not take images of {image_size} x {image_size} pixels: {reason}"
        ) from error
    return calls


def _shape(value: object) -> Shape | None:
    return tuple(value.shape) if isinstance(value, torch.Tensor) else None
