"""What an export folder says of itself: the manifest of a candidate that has been written and run."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from splitsearch.searcher.data.preprocess import MEAN, STD
from splitsearch.searcher.data.resize import short_side
from splitsearch.searcher.deploy.costs import costs_of
from splitsearch.searcher.deploy.halves import (
    ANSWER,
    FEATURES,
    IMAGE,
    head_outputs,
    integer_type,
    stops_early,
    tail_inputs,
)
from splitsearch.searcher.deploy.manifest import (
    HEAD_PARTS,
    SCHEMA,
    Checked,
    ExitPart,
    Manifest,
    PayloadPart,
    Preprocessing,
    Seen,
    Tensor,
    Trained,
    file_hash,
)
from splitsearch.searcher.deploy.outcomes import Outcomes
from splitsearch.searcher.deploy.rebuild import pruned_widths
from splitsearch.searcher.deploy.restore import Restored
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.graph.digest import structure_hash
from splitsearch.spaces.model import Exit

__all__ = ["Chosen", "describe"]

_PACKAGES = ("splitsearch", "torch", "torchvision", "timm", "onnx", "onnxruntime", "numpy", "safetensors")
_WEIGHTS = ("head.safetensors", "tail.safetensors")

Tensors = tuple[Tensor, ...]
Sides = dict[Any, Tensors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A candidate of a run: front.json, the run's settings, its entry of the front, and itself.

    `trained` tells of the full training that its weights are from, if they are not the search's.
    """

    document: dict[str, Any]
    settings: RunSettings
    entry: dict[str, Any]
    restored: Restored
    trained: Trained | None = None


def describe(chosen: Chosen, folder: Path, outcomes: Outcomes, checked: Checked | None) -> Manifest:
    """The manifest of a folder whose weights are written.

    Args:
        chosen: what was exported.
        folder: where its weights lie.
        outcomes: of validation images, in PyTorch.
        checked: how ONNX compares; None without.
    """
    restored, entry = chosen.restored, chosen.entry
    config, model = restored.config, restored.model
    hashes = {name: file_hash(folder / name) for name in _WEIGHTS}
    payload = _payload(restored)
    return Manifest(
        schema=SCHEMA,
        model="-".join(hashes[name][:16] for name in _WEIGHTS),
        backbone=config.backbone,
        structure=structure_hash(restored.teacher.graph),
        trial=entry["trial"],
        versions=_versions(),
        files=hashes,
        preprocessing=Preprocessing(
            size=config.image_size, short_side=short_side(config.image_size), mean=MEAN, std=STD
        ),
        classes=restored.data.classes,
        head=_head(restored, payload),
        head_parts=_head_parts(restored, payload) if checked is not None else None,
        tail=_tail(restored, payload),
        payload=payload,
        exit=_exit(model.exit),
        seen=Seen(
            accuracy=float(outcomes.hits(config.exit_threshold).mean()),
            images=len(outcomes.labels),
            part="validation",
            search_accuracy=entry["values"]["accuracy"],
            teacher_accuracy=restored.teacher.accuracy,
        ),
        checked=checked,
        profile=entry,
        costs=costs_of(chosen.settings, model, outcomes, config),
        baselines=tuple(chosen.document["baselines"]),
        widths=pruned_widths(config, restored.teacher.variants),
        trained=chosen.trained,
    )


def _payload(restored: Restored) -> PayloadPart:
    config, crossing = restored.config, restored.model.crossing
    assert crossing is not None
    channels, height, width = crossing.output_shape
    return PayloadPart.model_validate(
        {
            "shape": (channels, height, width),
            "bits": config.bits,
            "coding": config.coding,
            "max_bytes": payload_bytes(channels * height * width, config.bits),
        }
    )


def _head(restored: Restored, payload: PayloadPart) -> Sides:
    size = restored.config.image_size
    names = head_outputs(restored.config.bits, with_exit=restored.model.exit is not None)
    image = Tensor(name=IMAGE, dtype="float32", shape=(3, size, size))
    return {"inputs": (image,), "outputs": _tensors(names, restored, payload)}


def _head_parts(restored: Restored, payload: PayloadPart) -> dict[str, Sides] | None:
    if not stops_early(restored.model):
        return None
    until, after = HEAD_PARTS
    last = restored.model.until_exit[-2]  # behind it stands the classifier
    features = (Tensor(name=FEATURES, dtype="float32", shape=last.output_shape),)
    image, sent = _head(restored, payload)["inputs"], _tail(restored, payload)["inputs"]
    return {
        until: {"inputs": image, "outputs": features + _tensors(ANSWER, restored, payload)},
        after: {"inputs": features, "outputs": sent},
    }


def _tail(restored: Restored, payload: PayloadPart) -> Sides:
    return {
        "inputs": _tensors(tail_inputs(restored.config.bits), restored, payload),
        "outputs": _tensors(("logits",), restored, payload),
    }


def _tensors(names: tuple[str, ...], restored: Restored, payload: PayloadPart) -> Tensors:
    classes = (len(restored.data.classes),)
    shapes = {"payload": payload.shape, "exit_logits": classes, "logits": classes}
    kinds = {"payload": str(integer_type(payload.bits)).removeprefix("torch.")}
    return tuple(
        Tensor.model_validate({"name": name, "dtype": kinds.get(name, "float32"), "shape": shapes.get(name, ())})
        for name in names
    )


def _exit(found: Exit | None) -> ExitPart | None:
    if found is None:
        return None
    return ExitPart(confidence=found.confidence, threshold=found.threshold, fusion=found.fusion)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
