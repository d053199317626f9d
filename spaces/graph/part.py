"""GraphPart: a stretch of a traced network as data, so that it can be costed without being cut out."""

from dataclasses import dataclass, replace

from torch import fx, nn

from splitsearch.spaces.graph.cuts import Cut, head_nodes, part_at, split_at
from splitsearch.spaces.graph.trace import Shape, TracedGraph

__all__ = ["GraphPart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPart:
    """The nodes after one cut and up to another.

    Attributes:
        graph: the traced network.
        after: where the stretch starts; None for the image.
        until: where it ends; None for the logits.
    """

    graph: TracedGraph
    after: Cut | None = None
    until: Cut | None = None

    @property
    def nodes(self) -> frozenset[str]:
        """Names of the nodes that it runs."""
        last = frozenset(node.name for node in self.graph) if self.until is None else head_nodes(self.graph, self.until)
        return last if self.after is None else last - head_nodes(self.graph, self.after)

    @property
    def output_shape(self) -> Shape:
        """What it yields, without the batch dimension."""
        return self.graph.shapes[self.graph.output.name] if self.until is None else self.until.shape

    def cut_out(self, *, shared: bool) -> nn.Module:
        """The stretch as a module on the network's own parameters.

        Args:
            shared: whether every call returns the same module: what candidates share is kept, and their own copies
                must not outlive them in a cache.
        """
        split = split_at if shared else part_at
        head: fx.GraphModule = self.graph.module if self.until is None else split(self.graph, self.until)[0]
        if self.after is None:
            return head
        if self.until is None:
            return split(self.graph, self.after)[1]
        return part_at(replace(self.graph, module=head), self.after)[1]
