"""ONNX files of heads, tails and blocks, as devices are given them: a backbone is exported once, and cut at no cost.

The exporter runs once per whole network, with every crossing tensor among its outputs; `onnx.utils.Extractor` then cuts
heads and tails out of it. Blocks are exported together, for the same reason. All files of one export share one file of
weights beside them, so that fifty heads do not hold fifty copies.
"""

import logging
import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import fx, nn

from splitsearch.profilers.measure.older_onnx import OPSET
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import Cut
from splitsearch.spaces.graph.trace import Shape, TracedGraph

__all__ = ["IMAGE", "OnnxParts", "crossing", "export_blocks", "export_cuts", "exported", "join", "save"]

IMAGE = "image"
"""Name of the input tensor of a whole network."""

_OUT_OF_PLACE: dict[Any, Any] = {operator.iadd: operator.add, operator.imul: operator.mul, operator.isub: operator.sub}


class OnnxParts:
    """An exported network of which parts can be taken, each from one named tensor to another."""

    def __init__(self, path: Path) -> None:
        import onnx

        # The weights stay where they are: parts name their place in the shared file.
        model = onnx.load(str(path), load_external_data=False)
        _name_unread(model)
        self._extractor = onnx.utils.Extractor(model)

    def take(self, entry: str, leave: str) -> Any:
        """The part between two tensors, as an ONNX model whose weights lie in the shared file."""
        return self._extractor.extract_model([entry], [leave])


def _name_unread(model: Any) -> None:
    """Results that nobody reads have no names, which the extractor takes for equal ones."""
    for number, node in enumerate(model.graph.node):
        while node.output and not node.output[-1]:
            del node.output[-1]
        for place, name in enumerate(node.output):
            if not name:  # a later result is read, so the place has to stay
                node.output[place] = f"unread {number} {place}"


def crossing(node: str) -> str:
    """Name of the tensor that a node gives.

    The exporter names its tensors as nodes are named, and counts anew: where layers were taken out, another tensor has
    the node's own name.
    """
    return f"at {node}"


def export_cuts(graph: TracedGraph, cuts: Sequence[Cut], folder: Path, stem: str) -> OnnxParts:
    """Exports a backbone with the tensors at its cuts under the names that `crossing` gives; the logits are among them.

    Raises:
        UserError: the exporter cannot express the network.
    """
    size, names = graph.image_size, [crossing(cut.node) for cut in cuts]
    crossed = _with_outputs(graph, [cut.node for cut in cuts])
    return _export(crossed, {IMAGE: (3, size, size)}, names, folder / f"{stem}.onnx")


def export_blocks(blocks: Mapping[str, tuple[nn.Module, Shape]], folder: Path, stem: str) -> OnnxParts:
    """Exports modules together; the part of one is between `<name> in` and `<name> out`.

    Args:
        blocks: name to module and the shape of its input, without the batch dimension.
        folder: where the files go.
        stem: of their names.

    Raises:
        UserError: the exporter cannot express one of them.
    """
    entries = {f"{name} in": shape for name, (_, shape) in blocks.items()}
    together = _Together([module for module, _ in blocks.values()])
    return _export(together, entries, [f"{name} out" for name in blocks], folder / f"{stem}.onnx")


def join(first: Any, second: Any) -> Any:
    """The model that runs one after the other, with what lies between them open to fusion."""
    from onnx import compose, helper

    after = compose.add_prefix(second, "then/").graph
    # Whole models would be checked, and their weights looked for where they are not.
    graph = compose.merge_graphs(first.graph, after, [(first.graph.output[0].name, after.input[0].name)])
    return helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)


def save(model: Any, path: Path) -> None:
    """Writes a part; its weights are in the shared file of its folder already."""
    path.write_bytes(model.SerializeToString())


class _Together(nn.Module):
    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(part(x) for part, x in zip(self.parts, inputs, strict=True))


def _with_outputs(graph: TracedGraph, names: Sequence[str]) -> fx.GraphModule:
    copied, known = fx.Graph(), cast("dict[str, fx.Node]", {})
    for node in graph:
        if node.op != "output":
            known[node.name] = copied.node_copy(node, lambda n: known[n.name])
            # What is written over in place would leave the graph as it is later, not as it crosses the cut.
            known[node.name].target = _OUT_OF_PLACE.get(node.target, node.target)
    copied.output(tuple(known[name] for name in names))
    return fx.GraphModule(graph.module, copied)


@contextmanager
def _out_of_place(module: nn.Module) -> Iterator[None]:
    """Activations do not write over their input inside the block, for the same reason."""
    changed: list[Any] = [part for part in module.modules() if getattr(part, "inplace", False) is True]
    for part in changed:
        part.inplace = False
    try:
        yield
    finally:
        for part in changed:
            part.inplace = True


def _export(module: nn.Module, entries: Mapping[str, Shape], leaves: Sequence[str], path: Path) -> OnnxParts:
    images = {name: torch.zeros(1, *shape) for name, shape in entries.items()}
    with _out_of_place(module):
        program = exported(module, images, leaves, path.stem)
    program.save(str(path), external_data=True)
    return OnnxParts(path)


def exported(
    module: nn.Module,
    examples: Mapping[str, torch.Tensor],
    leaves: Sequence[str],
    what: str,
    *,
    any_batch: bool = False,
) -> Any:
    """Runs the exporter, without what it has to say.

    Args:
        module: what to export; it is put into evaluation mode.
        examples: name to an input, in the order of the module's parameters.
        leaves: names of the outputs.
        what: the name of it all, for messages.
        any_batch: whether the first dimension may have any size later; the examples then hold at least two images.

    Returns:
        A `torch.onnx.ONNXProgram` of operator set `OPSET`.

    Raises:
        UserError: the exporter is not installed, or cannot express the network.
    """
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} for _ in examples) if any_batch else None
    names = {"input_names": list(examples), "output_names": list(leaves)}
    options: dict[str, Any] = {"dynamo": True, "verbose": False, "opset_version": OPSET, "dynamic_shapes": shapes}
    with _silent():
        try:
            program = torch.onnx.export(module.eval(), tuple(examples.values()), **options, **names)  # type: ignore[arg-type]
        except ImportError as error:
            raise UserError(f"ONNX files need the package {error.name}: pip install 'splitsearch[onnx]'") from error
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"ONNX cannot express {what}: {reason}") from error
    assert program is not None
    return program


@contextmanager
def _silent() -> Iterator[None]:
    """The exporter tells at length what it does."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
