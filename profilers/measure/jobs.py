"""What a machine is given to measure, and all that is needed later to make a profile of its samples: jobs.json.

The file describes; the ONNX files beside it, where a runtime needs them, are what is run. Whoever turns samples into a
profile needs neither the networks nor torch's view of them: kernels and operators of every part are written down here.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from splitsearch.profilers.counting.operators import operator_costs
from splitsearch.profilers.devices.measured import RuntimeName
from splitsearch.profilers.measure.older_onnx import OPSET, lower
from splitsearch.profilers.measure.onnx_files import IMAGE, OnnxParts, crossing, export_blocks, export_cuts, join, save
from splitsearch.profilers.measure.plan import Block, Item, Piece, Slice
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import Cut, find_cuts
from splitsearch.spaces.graph.trace import Shape, TracedGraph

__all__ = ["CODEC", "Describe", "describe_jobs", "read_jobs", "write_jobs", "write_onnx"]

CODEC: dict[str, Any] = {
    "elements": [256, 2352, 9408, 37632, 150528],
    "bits": [1, 2, 4, 8, 16, 32],
    "qualities": [90, 75, 50, 25, 10],
}
"""Tensors and image qualities whose packing is timed; 12 x 28 x 28 is the usual bottleneck."""

_TOGETHER = 16  # blocks of one export, and
_LAYERS = 400  # layers of them, but for a single block that has more

_SHARE = 0.2  # of a whole network: what runs before each packing has to fill the caches, and no more

Describe = Callable[[Item, RuntimeName], Sequence[Kernel]]
"""Says into which kernels a runtime fuses a part."""


def describe_jobs(
    items: Sequence[Item],
    backbones: Sequence[dict[str, Any]],
    runtimes: Sequence[RuntimeName],
    describe: Describe,
) -> dict[str, Any]:
    """The content of jobs.json.

    Args:
        items: what is measured; names are unique.
        backbones: what `plan.backbone_items` says of each.
        runtimes: for which runtimes kernels are written down.
        describe: names them.
    """
    of_backbones = {name for backbone in backbones for name in _names(backbone)}
    rows = [
        {
            "name": item.name,
            "model": f"{place:03d}.onnx",
            "profile": item.profile,
            "operators": _operators(item),
            **({} if item.name in of_backbones else _part(item, runtimes, describe)),
        }
        for place, item in enumerate(items)
    ]
    sides = sorted({backbone["image_size"] for backbone in backbones})
    jobs = {
        "schema": 1,
        "backbones": list(backbones),
        "items": rows,
        "codec": CODEC | {"sides": sides, "network": _moderate(rows)},
    }
    return {"id": hashlib.sha256(json.dumps(jobs, sort_keys=True).encode()).hexdigest()[:16], **jobs}


def _names(backbone: dict[str, Any]) -> set[str]:
    cuts = backbone["cuts"]
    return {backbone["whole"], *(cut["head"] for cut in cuts), *(cut["tail"] for cut in cuts if cut["tail"])}


def _part(item: Item, runtimes: Sequence[RuntimeName], describe: Describe) -> dict[str, Any]:
    return {
        "config": item.config.to_json() if item.config is not None else None,
        "site": item.site,
        "kernels": {runtime: [asdict(kernel) for kernel in describe(item, runtime)] for runtime in runtimes},
    }


def _operators(item: Item) -> list[list[int]]:
    """Multiply-adds and moved elements of every operator: what a roofline is fitted to."""
    costs = operator_costs(item.graph_module, item.input_shape).values()
    return [[cost.macs, cost.inputs + cost.outputs + cost.parameters] for cost in costs]


def _moderate(rows: Sequence[dict[str, Any]]) -> int:
    """The network that runs before each packing: one of about a fifth of the multiply-adds of the first."""
    macs = [sum(operator[0] for operator in row["operators"]) for row in rows]
    return min(range(len(rows)), key=lambda place: abs(macs[place] - _SHARE * macs[0]))


def write_jobs(folder: Path, jobs: dict[str, Any]) -> None:
    """Writes jobs.json, whole or not at all: a folder that has one is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "jobs.json.part"
    part.write_text(json.dumps(jobs), encoding="utf-8")
    os.replace(part, folder / "jobs.json")


def read_jobs(path: Path) -> tuple[Path, dict[str, Any]]:
    """The folder and the content of jobs.json, by its own path or its folder's.

    Raises:
        UserError: there is none, or it is none of this schema.
    """
    file = path / "jobs.json" if path.is_dir() else path
    try:
        jobs = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"--jobs {path}: cannot be read: {error.strerror}; `splitsearch device jobs` writes it"
        ) from error
    except ValueError as error:
        raise UserError(f"--jobs {file}: not valid JSON: {error}") from error
    if not isinstance(jobs, dict) or jobs.get("schema") != 1:
        found = jobs.get("schema") if isinstance(jobs, dict) else None
        raise UserError(f"--jobs {file}: the field 'schema' is {found!r}: it should be 1; write the jobs again")
    return file.parent, jobs


def write_onnx(
    folder: Path,
    items: Sequence[Item],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    opset: int = OPSET,
) -> None:
    """Writes the ONNX file of every item, and the shared weights.

    Args:
        folder: where the files go.
        items: what is written.
        progress: hears what is done.
        opset: of the operators, for runtimes that are older than the exporter.

    Raises:
        UserError: the exporter cannot express a network, or is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = [piece for item in items for piece in item.pieces]
    graphs = list(dict.fromkeys(piece.graph for piece in pieces if isinstance(piece, Slice)))
    blocks = {piece.name: (piece.module, piece.input_shape) for piece in pieces if isinstance(piece, Block)}
    exported: dict[TracedGraph, OnnxParts] = {}
    groups = _groups(blocks)
    steps = len(graphs) + len(groups)
    for place, graph in enumerate(graphs):
        progress("export", place, steps)
        used = [piece for piece in pieces if isinstance(piece, Slice) and piece.graph is graph]
        exported[graph] = export_cuts(graph, _crossings(graph, used), folder, f"weights{place}")
    together: dict[str, OnnxParts] = {}
    for place, group in enumerate(groups):
        progress("export", len(graphs) + place, steps)
        together |= dict.fromkeys(group, export_blocks(group, folder, f"blocks{place}"))
    for place, item in enumerate(items):
        models = [_model(piece, exported, together) for piece in item.pieces]
        model = models[0]
        for following in models[1:]:
            model = join(model, following)
        lower(model, opset)
        save(model, folder / f"{place:03d}.onnx")
    for leftover in (*folder.glob("weights*.onnx"), *folder.glob("blocks*.onnx")):
        leftover.unlink()
    progress("export", steps, steps)


def _crossings(graph: TracedGraph, used: Sequence[Slice]) -> list[Cut]:
    """The cuts that parts begin or end at, and the logits; any further output would keep the exporter from folding."""
    ends = {cut.node for piece in used for cut in (piece.start, piece.end) if cut is not None} | {graph.output.name}
    return [cut for cut in find_cuts(graph, "all") if cut.node in ends]


def _groups(blocks: Mapping[str, tuple[nn.Module, Shape]]) -> list[dict[str, tuple[nn.Module, Shape]]]:
    """Blocks by exports: one export of each costs its start, one of all is quadratic in the exporter."""
    groups: list[dict[str, tuple[nn.Module, Shape]]] = []
    layers = 0
    for name, block in blocks.items():
        more = sum(not any(module.children()) for module in block[0].modules())
        if not groups or len(groups[-1]) == _TOGETHER or layers + more > _LAYERS:
            groups.append({})
            layers = 0
        groups[-1][name] = block
        layers += more
    return groups


def _model(piece: Piece, exported: dict[TracedGraph, OnnxParts], together: dict[str, OnnxParts]) -> Any:
    if isinstance(piece, Block):
        return together[piece.name].take(f"{piece.name} in", f"{piece.name} out")
    graph = piece.graph
    entry = IMAGE if piece.start is None else crossing(piece.start.node)
    leave = graph.output.name if piece.end is None else piece.end.node
    return exported[graph].take(entry, crossing(leave))
