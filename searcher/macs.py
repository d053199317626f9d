"""Multiply-adds operator by operator: answers for `splitsearch macs`, as we count them or as fvcore does."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from splitsearch.profilers.counting.macs import fvcore_view
from splitsearch.profilers.counting.operators import Operator, operators, uncounted, unknown
from splitsearch.spaces.backbones.loading import usual_module
from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.cuts import find_cut, head_nodes
from splitsearch.spaces.graph.trace import TracedGraph, trace

__all__ = ["VIEWS", "macs_document", "uncounted_document"]

VIEWS = ("table", "fvcore")
"""Ours, in which only what multiplies and adds counts; or fvcore's, which counts norms and pooling too."""


def macs_document(backbone: str, image_size: int, cut: str | None = None, view: str = "table") -> dict[str, Any]:
    """Every operator of a backbone with its multiply-adds.

    Args:
        backbone: name, as `cuts` takes it.
        image_size: side of the input in pixels.
        cut: says of every operator whether it belongs to the head or the tail; None asks for neither. Only in `table`.
        view: one of `VIEWS`.

    Returns:
        `operators`: one row each; `totals`; `uncounted_operators` and how often they run; `unknown_operators`, those of
        them that may have multiply-adds which the sums lack.

    Raises:
        UserError: no such backbone, cut or view, or the network cannot be traced at this size.
    """
    if view not in VIEWS:
        raise UserError(f"unknown view '{view}'{nearest(view, VIEWS)}")
    if cut is not None and view == "fvcore":
        raise UserError(
            "--cut says which operators belong to the head, and fvcore's view knows modules: use --view table"
        )
    if image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel, not {image_size}")
    graph = trace(usual_module(backbone), image_size)
    shown = _table(graph, cut) if view == "table" else _fvcore(graph)
    return {"backbone": backbone, "image_size": image_size, "cut": cut, "view": view, **shown}


def uncounted_document(table: Sequence[Operator]) -> dict[str, Any]:
    """What a sum over operators leaves out."""
    names = uncounted(table)
    return {"uncounted_operators": names, "unknown_operators": unknown(names)}


def _table(graph: TracedGraph, cut: str | None) -> dict[str, Any]:
    found = find_cut(graph, cut) if cut is not None else None
    before = head_nodes(graph, found) if found is not None else None
    table = operators(graph.module, (3, graph.image_size, graph.image_size))
    rows: list[dict[str, Any]] = [
        {
            "name": graph.paths[row.name],
            "kind": row.kind,
            "side": None if before is None else "head" if row.name in before else "tail",
            "input_shapes": [list(shape) for shape in row.input_shapes],
            "output_shape": list(row.output_shape),
            "macs": row.cost.macs,
            "parameters": row.cost.parameters,
        }
        for row in table
    ]
    totals = _sums(rows, "")
    for side in ("head", "tail") if before is not None else ():
        totals |= _sums([row for row in rows if row["side"] == side], f"{side}_")
    return {
        "cut": found.name if found is not None else None,
        "operators": rows,
        "totals": totals,
        **uncounted_document(table),
    }


def _sums(rows: Sequence[dict[str, Any]], prefix: str) -> dict[str, int]:
    return {f"{prefix}{key}": sum(row[key] for row in rows) for key in ("macs", "parameters")}


def _fvcore(graph: TracedGraph) -> dict[str, Any]:
    seen = fvcore_view(_with_memory(graph.module), torch.zeros(1, 3, graph.image_size, graph.image_size))
    by_operator: dict[str, int] = {}
    for row in seen.rows:
        by_operator[row.operator] = by_operator.get(row.operator, 0) + row.macs
    return {
        "operators": [{"name": row.module, "kind": row.operator, "macs": row.macs} for row in seen.rows],
        "totals": {"macs": sum(by_operator.values()), "by_operator": by_operator},
        "uncounted_operators": dict(seen.unsupported),
        "unknown_operators": unknown(seen.unsupported),
    }


def _with_memory(module: nn.Module) -> nn.Module:
    """Fvcore follows real calls; which numbers they work on does not matter to it."""
    if not any(parameter.is_meta for parameter in module.parameters()):
        return module
    real = module.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*real.parameters(), *real.buffers()):
            tensor.zero_()
    return real
