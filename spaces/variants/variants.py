"""A backbone and the shapes that its head and its tail may take: divided, shrunk, pruned; each is made once.

The order is fixed: division rebuilds the network by its family's rule, shrinking drops blocks and inner channels of
what that gives, pruning removes channels of the side that it is asked for. Names of nodes survive all three, so that a
cut found on the whole backbone is found on every variant that still has the block.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from weakref import WeakSet

from torch import nn

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.cuts import Cut, find_cut, head_nodes
from splitsearch.spaces.graph.trace import TracedGraph, trace
from splitsearch.spaces.variants.division import divide, fresh_weights
from splitsearch.spaces.variants.pruning import layers_in, prune
from splitsearch.spaces.variants.resize import resize
from splitsearch.spaces.variants.shrinking import shrink, shrunk_image_size

__all__ = ["Recipe", "Variants", "on_meta", "shaping_axes"]

# With values every variant holds weights; on the meta device a few megabytes of names and shapes.
_KEPT, _KEPT_ON_META = 4, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What distinguishes one variant of a backbone from another.

    Attributes:
        image_size: side of the image that enters, in pixels.
        nets: SplitNet's S: the variant is one of so many narrow networks.
        depth: share of the blocks that stay.
        width: share of the inner channels that stay.
        pruned: share or threshold of removed channels; 0 for none.
        pruning_rule: how `pruned` is read.
        importance: which channels stay.
        pruning_multiple: of how many their number is a multiple.
        side: `head` or `tail`: which side of `cut` is pruned; empty if nothing is.
        cut: where the sides meet; empty if nothing is pruned.
    """

    image_size: int
    nets: int = 1
    depth: float = 1.0
    width: float = 1.0
    pruned: float = 0.0
    pruning_rule: str = "ratio"
    importance: str = "l1"
    pruning_multiple: int = 1
    side: str = ""
    cut: str = ""

    @classmethod
    def of(cls, config: SplitConfig, side: str) -> "Recipe":
        """What a candidate makes of one side, `head` or `tail`."""
        pruned = config.head_pruning if side == "head" else config.tail_pruning
        return cls(
            image_size=shrunk_image_size(config.image_size, config.resolution),
            nets=config.division if config.division_scope in (side, "whole") else 1,
            depth=config.depth,
            width=config.width,
            pruned=pruned,
            pruning_rule=config.pruning_rule if pruned else "ratio",
            importance=config.importance if pruned else "l1",
            pruning_multiple=config.pruning_multiple if pruned else 1,
            side=side if pruned else "",
            cut=config.cut if pruned else "",
        )

    @property
    def is_original(self) -> bool:
        """Whether the weights are the backbone's own, at whatever image size."""
        return self == Recipe(image_size=self.image_size)

    @property
    def unpruned(self) -> "Recipe":
        """What is pruned, before it is."""
        return Recipe(image_size=self.image_size, nets=self.nets, depth=self.depth, width=self.width)


def shaping_axes(config: SplitConfig) -> tuple[str, ...]:
    """The fields that decide which variants a candidate is made of: candidates that share them share the variants."""
    cut = ("cut",) if config.head_pruning or config.tail_pruning else ()  # a side is pruned up to its cut
    return (*_SHAPING, *cut)


_SHAPING = (
    "division",
    "division_scope",
    "depth",
    "width",
    "resolution",
    "head_pruning",
    "tail_pruning",
    "pruning_rule",
    "importance",
    "pruning_multiple",
)


class Variants:
    """A backbone with everything that is made of it.

    Attributes:
        name: of the backbone, as the user gave it: the published rules go by it.
        module: the backbone, with or without values (meta device).
        graph: the backbone itself, traced at its image size.
        backward: runs the loss of some images backward through a network, so that its parameters hold gradients; the
            importance `taylor` needs it. None where there is no data.
        widths: side to the output channels of the layers that pruning made narrower there, for a candidate that is
            built again without the weights that decided it; None prunes by the weights.
    """

    def __init__(self, name: str, module: nn.Module, graph: TracedGraph) -> None:
        self.name = name
        self.module = module
        self.graph = graph
        self._kept = _KEPT_ON_META if self.is_meta else _KEPT
        self._made: OrderedDict[Recipe, TracedGraph | InfeasibleError] = OrderedDict()
        self.backward: Callable[[nn.Module], None] | None = None
        self.widths: Mapping[str, Mapping[str, int]] | None = None
        self._with_gradients: WeakSet[nn.Module] = WeakSet()
        self._shapes: OrderedDict[tuple[int, float, float], nn.Module] = OrderedDict()

    @classmethod
    def trace(cls, name: str, module: nn.Module, image_size: int) -> "Variants":
        """Traces a backbone.

        Raises:
            UserError: it cannot be traced, or does not take images of this size.
        """
        return cls(name, module, trace(module, image_size))

    @property
    def is_meta(self) -> bool:
        """Whether the backbone has shapes and no values."""
        return any(parameter.is_meta for parameter in self.module.parameters())

    @property
    def classes(self) -> int:
        """How many logits the backbone makes."""
        return self.graph.shapes[self.graph.output.name][0]

    def without_values(self) -> "Variants":
        """The same backbone on the meta device, where variants cost no memory: enough for every cost.

        A backbone whose own code asks tensors for their values cannot do without, and stays as it is.
        """
        if self.is_meta:
            return self
        try:
            return Variants.trace(self.name, on_meta(self.module), self.graph.image_size)
        except UserError:
            return self

    def get(self, recipe: Recipe) -> TracedGraph:
        """One variant, traced.

        Raises:
            InfeasibleError: this backbone has no such variant.
        """
        if recipe == Recipe(image_size=self.graph.image_size):
            return self.graph
        if recipe not in self._made:
            if len(self._made) >= self._kept:
                self._made.popitem(last=False)
            try:
                self._made[recipe] = self._make(recipe)
            except InfeasibleError as error:
                self._made[recipe] = error
        self._made.move_to_end(recipe)
        found = self._made[recipe]
        if isinstance(found, InfeasibleError):
            raise InfeasibleError(str(found))
        return found

    def members(self, recipe: Recipe, seed: int = 0) -> list[TracedGraph]:
        """The S narrow networks of a division, each with weights of its own; one network if nothing is divided.

        What is not the backbone's own is a copy, since candidates train it.
        """
        first = self.get(recipe)
        if self.is_meta or recipe.is_original:
            return [first] * recipe.nets
        modules = [copy.deepcopy(first.module) for _ in range(recipe.nets)]
        if recipe.nets > 1:
            for place, module in enumerate(modules):
                # Equal members would agree in everything and teach one another nothing.
                fresh_weights(module, seed + place)
        return [replace(first, module=module) for module in modules]

    def cut(self, recipe: Recipe, name: str) -> Cut:
        """A cut on a variant.

        Raises:
            InfeasibleError: the variant dropped the block where it lies.
        """
        return _surviving(self.get(recipe), name)

    def _make(self, recipe: Recipe) -> TracedGraph:
        module = self._shaped(recipe.nets, recipe.depth, recipe.width)
        if recipe.pruned and self.widths is not None:
            known = self.widths[recipe.side]
            module = resize(module, recipe.image_size, lambda group: known.get(group.layers[0], group.channels))
        elif recipe.pruned:
            if recipe.importance == "taylor":
                self._find_gradients(module)
            try:
                module = _pruned(module, self.get(recipe.unpruned), recipe)
            except UserError as error:  # a variant has no gradients, or no values: others of the same space may
                raise InfeasibleError(str(error)) from error
        return _traced(module, recipe.image_size)

    def _find_gradients(self, module: nn.Module) -> None:
        """Once per network, and only where they are asked for."""
        if self.backward is not None and not self.is_meta and module not in self._with_gradients:
            self.backward(module)
            self._with_gradients.add(module)

    def _shaped(self, nets: int, depth: float, width: float) -> nn.Module:
        """Divided and shrunk: the same whatever the resolution and the cut, so that many variants start from it."""
        shape = (nets, depth, width)
        if shape not in self._shapes:
            if len(self._shapes) >= self._kept:
                self._shapes.popitem(last=False)
            size = self.graph.image_size
            if depth < 1 or width < 1:
                module = shrink(self.name, self._shaped(nets, 1.0, 1.0), size, depth=depth, width=width)
            else:
                module = divide(self.name, self.module, size, nets) if nets > 1 else self.module
            self._shapes[shape] = module
        self._shapes.move_to_end(shape)
        return self._shapes[shape]


def _pruned(module: nn.Module, graph: TracedGraph, recipe: Recipe) -> nn.Module:
    head = head_nodes(graph, _surviving(graph, recipe.cut))
    side = [node for node in graph if (node.name in head) == (recipe.side == "head")]
    return prune(
        module,
        recipe.image_size,
        ratio=recipe.pruned if recipe.pruning_rule == "ratio" else None,
        threshold=recipe.pruned if recipe.pruning_rule == "threshold" else None,
        importance=recipe.importance,
        multiple=recipe.pruning_multiple,
        layers=layers_in(graph.module, side),
    )


def _surviving(graph: TracedGraph, cut: str) -> Cut:
    try:
        return find_cut(graph, cut)
    except UserError as error:
        raise InfeasibleError(f"shrinking dropped the block of the cut {cut}") from error


def _traced(module: nn.Module, image_size: int) -> TracedGraph:
    try:
        return trace(module, image_size)
    except UserError as error:  # the whole backbone could be traced: it is this variant that cannot exist
        raise InfeasibleError(str(error)) from error


def on_meta(module: nn.Module) -> nn.Module:
    """A copy whose weights have shapes and no values; the values are never copied."""
    weights = [*module.parameters(), *module.buffers()]
    if all(weight.is_meta for weight in weights):
        return module
    known = {
        id(w): nn.Parameter(w.detach().to("meta"), w.requires_grad) if isinstance(w, nn.Parameter) else w.to("meta")
        for w in weights
    }
    return copy.deepcopy(module, known)
