"""Where a backbone can be cut, and what lies before and behind each cut."""

import math
from typing import Any

from splitsearch.profilers.counting.operators import operator_costs
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.crossings import Crossing, find_crossings
from splitsearch.spaces.graph.cuts import CUT_SETS, Cut, find_cuts, head_nodes
from splitsearch.spaces.graph.trace import TracedGraph, trace

__all__ = ["cuts_document"]


def cuts_document(backbone: str, image_size: int, which: str) -> dict[str, Any]:
    """The legal cuts of a backbone, and the places where more than one tensor crosses.

    Returns:
        `cuts`: one row per legal cut, from the input to the output; `crossings`: one row per place that several tensors
        cross; `opaque`: parts that could not be traced and were kept whole, with the place in their code.

    Raises:
        UserError: no such backbone or set of cuts, or the network cannot be traced at this size.
    """
    found = next((kind for kind in CUT_SETS if kind == which), None)
    if found is None:
        raise UserError(f"unknown set of cuts '{which}'{nearest(which, CUT_SETS)}")
    graph = _graph(backbone, image_size)
    macs = {name: cost.macs for name, cost in operator_costs(graph.module, (3, image_size, image_size)).items()}
    return {
        "backbone": backbone,
        "image_size": image_size,
        "set": which,
        "cuts": [_row(graph, cut, macs) for cut in find_cuts(graph, found)],
        "crossings": [_crossing_row(crossing) for crossing in find_crossings(graph)],
        "opaque": dict(graph.opaque),
    }


def _graph(backbone: str, image_size: int) -> TracedGraph:
    if image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel, not {image_size}")
    return trace(usual_module(backbone), image_size)


def _row(graph: TracedGraph, cut: Cut, macs: dict[str, int]) -> dict[str, Any]:
    head_macs = sum(macs.get(name, 0) for name in head_nodes(graph, cut))
    return {
        "index": cut.index,
        "name": cut.name,
        "shape": list(cut.shape),
        "bytes_float32": cut.elements * 4,
        "bytes_8bit": payload_bytes(cut.elements, 8),
        "head_macs": head_macs,
        "tail_macs": sum(macs.values()) - head_macs,
        "input_ratio": cut.input_ratio,
    }


def _crossing_row(crossing: Crossing) -> dict[str, Any]:
    return {
        "name": crossing.name,
        "tensors": len(crossing.nodes),
        "shapes": [list(shape) for shape in crossing.shapes],
        "elements": crossing.elements,
        "bytes_float32": crossing.elements * 4,
        "bytes_8bit": sum(payload_bytes(math.prod(shape), 8) for shape in crossing.shapes),
        "input_ratio": crossing.input_ratio,
    }
