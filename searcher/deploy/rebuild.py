"""The halves of an export folder as PyTorch modules: the network built again by its name, the weights from the folder.

What pruning removed is not decided again, since it depended on weights that are no longer there: the folder remembers
how wide each layer was left.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.halves import (
    ANSWER,
    FEATURES,
    IMAGE,
    AfterExit,
    DeviceHalf,
    ServerHalf,
    UntilExit,
    device_stages,
    head_outputs,
    stops_early,
    tail_inputs,
)
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.manifest import HEAD_PARTS
from splitsearch.searcher.deploy.outcomes import Pair
from splitsearch.searcher.deploy.runtimes import OnnxHalf, TorchHalf
from splitsearch.searcher.engine.files import write_bytes_atomic
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.model import SplitModel, Stage
from splitsearch.spaces.variants.variants import Recipe, Variants

__all__ = [
    "BACKBONE_FILE",
    "load_stages",
    "onnx_head",
    "onnx_pair",
    "pruned_widths",
    "rebuilt",
    "require_structure",
    "save_stages",
    "torch_pair",
]

BACKBONE_FILE = "backbone.py"
"""A backbone of the user's own travels with the folder."""


def save_stages(stages: Iterable[Stage], path: Path) -> None:
    """Writes every weight of some stages, those of the backbone too, as `<stage>.<parameter>`."""
    tensors = {
        f"{stage.name}.{key}": value.detach().cpu().clone().contiguous()
        for stage in stages
        for key, value in stage.module.state_dict().items()
    }
    write_bytes_atomic(path, save(tensors))


def load_stages(stages: Iterable[Stage], tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Puts weights into stages; each stage finds all of its own.

    Raises:
        UserError: they do not fit.
    """
    for stage in stages:
        prefix = f"{stage.name}."
        own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        try:
            stage.module.load_state_dict(own)
        except RuntimeError as error:
            reason = " ".join(str(error).split("\n\t")[1:2]) or str(error)
            raise UserError(f"{source} does not fit the stage '{stage.name}': {reason}") from error
        stage.module.eval()


def pruned_widths(config: SplitConfig, variants: Variants) -> dict[str, dict[str, int]]:
    """Output channels of the layers that pruning left narrower, for each side that is pruned."""
    found = {}
    for side in ("head", "tail"):
        recipe = Recipe.of(config, side)
        if recipe.pruned:
            before, after = (_widths(variants.get(r).module) for r in (recipe.unpruned, recipe))
            found[side] = {path: width for path, width in after.items() if before[path] != width}
    return found


def _widths(module: nn.Module) -> dict[str, int]:
    return {
        path: layer.out_channels if isinstance(layer, nn.Conv2d) else layer.out_features
        for path, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }


def rebuilt(export: ExportFolder) -> SplitModel:
    """The candidate with its weights.

    Raises:
        UserError: the installed libraries build another network under this name, or the weights do not fit.
    """
    manifest, config = export.manifest, export.config
    name = manifest.backbone
    if ".py:" in name:
        name = f"{export.path / BACKBONE_FILE}:{name.rpartition(':')[2]}"
    backbone = load_backbone(name, classes=len(manifest.classes), weights="none")
    variants = Variants.trace(name, backbone.module, config.image_size)
    require_structure(variants.graph, export)
    variants.widths = manifest.widths
    try:
        model = assemble(config, variants)
    except InfeasibleError as error:
        raise UserError(f"the candidate of '{export.path}' cannot be built again: {error}") from error
    for file, stages in (("head.safetensors", device_stages(model)), ("tail.safetensors", model.at("server"))):
        path = export.path / file
        try:
            load_stages(stages, load_file(path), f"'{path}'")
        except SafetensorError as error:
            raise UserError(f"'{path}' is no safetensors file: {error}") from error
    return model


def require_structure(graph: TracedGraph, export: ExportFolder) -> None:
    """Refuses a network that is not the one whose weights a folder holds.

    Raises:
        UserError: it is not.
    """
    if structure_hash(graph) != export.manifest.structure:
        exported = ", ".join(
            f"{name} {export.manifest.versions[name]}"
            for name in ("torch", "torchvision")
            if name in export.manifest.versions
        )
        raise UserError(
            f"the network '{export.manifest.backbone}' that is built here is not the one that was exported "
            f"(with {exported}): install those versions, or use the ONNX files"
        )


def torch_pair(model: SplitModel, config: SplitConfig) -> Pair:
    """Both halves of a candidate in PyTorch."""
    crossing = model.crossing
    assert crossing is not None
    tail = TorchHalf(ServerHalf(model), tail_inputs(config.bits), ("logits",))
    return Pair(head=_torch_head(model, config.bits), tail=tail, config=config, shape=crossing.output_shape)


def _torch_head(model: SplitModel, bits: int) -> Head:
    if stops_early(model):
        return Head(
            first=TorchHalf(UntilExit(model), (IMAGE,), (FEATURES, *ANSWER)),
            rest=TorchHalf(AfterExit(model, bits), (FEATURES,), tail_inputs(bits)),
        )
    outputs = head_outputs(bits, with_exit=model.exit is not None)
    return Head(first=TorchHalf(DeviceHalf(model, bits), (IMAGE,), outputs))


def onnx_pair(folder: Path, config: SplitConfig, shape: tuple[int, ...], *, in_parts: bool = False) -> Pair:
    """Both halves of a candidate in ONNX Runtime.

    Args:
        folder: where the files lie.
        config: the candidate.
        shape: (channels, h, w) of the tensor that crosses.
        in_parts: whether the head is taken from its two parts, before the exit and after it.
    """
    return Pair(
        head=onnx_head(folder, in_parts=in_parts), tail=OnnxHalf(folder / "tail.onnx"), config=config, shape=shape
    )


def onnx_head(folder: Path, *, in_parts: bool) -> Head:
    """The head of a candidate in ONNX Runtime, whole or in its two parts."""
    if not in_parts:
        return Head(first=OnnxHalf(folder / "head.onnx"))
    until, after = (OnnxHalf(folder / name) for name in HEAD_PARTS)
    return Head(first=until, rest=after)
