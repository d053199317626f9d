"""Tensors from inside a tail: several layers are matched in one forward pass."""

from collections.abc import Sequence

import torch
from torch import fx

from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.graph.cuts import Cut, find_cuts
from splitsearch.spaces.graph.layout import is_supported, positions
from splitsearch.spaces.model import Lanes

__all__ = ["matched_cuts", "tapped"]

_LAYERS = 2  # beyond the decoder's own output: three terms in all, as published


def matched_cuts(lesson: Lesson) -> tuple[Cut, ...]:
    """Where behind the candidate's cut its tail is compared with the teacher: the last blocks of the next map sizes.

    Left out is what the candidate's tail does not have, or has in another shape.
    """
    stage = lesson.student.model.stage("tail")
    assert stage is not None
    if isinstance(stage.module, Lanes) or not lesson.imitates:
        return ()
    graph = stage.parts[0].graph
    own = {cut.name: cut for cut in find_cuts(graph, "all")}
    first = own.get(stage.cut or "")
    teacher = lesson.tutor.activations.variants.graph
    shapes = {cut.name: cut.shape for cut in find_cuts(teacher, "all")}
    same_size = graph.image_size == teacher.image_size
    blocks = [cut for cut in find_cuts(graph, "blocks") if is_supported(cut.shape) and positions(cut.shape) > 1]
    ends = [
        cut for cut, after in zip(blocks, [*blocks[1:], None], strict=True) if not after or after.shape != cut.shape
    ]
    later = [
        cut
        for cut in ends
        if first is not None and cut.index > first.index and (not same_size or shapes.get(cut.name) == cut.shape)
    ]
    return tuple(later[:_LAYERS])


def tapped(tail: fx.GraphModule, nodes: Sequence[str]) -> fx.GraphModule:
    """The same tail on the same parameters, which returns the tensors of these nodes before its logits."""
    graph = fx.Graph()
    known: dict[fx.Node, fx.Node] = {}
    logits = graph.graph_copy(tail.graph, known)
    named = {node.name: known[node] for node in tail.graph.nodes if node.op != "output"}
    graph.output((*(named[name] for name in nodes), logits))
    graph.lint()
    return fx.GraphModule(tail, graph, "Tapped")


def run_tapped(module: fx.GraphModule, joint: torch.Tensor) -> list[torch.Tensor]:
    """The tensors, the logits last."""
    return list(module(joint))
