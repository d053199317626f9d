"""manifest.json of an export folder: what is in it, how its graphs are fed, and what was measured of them."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, ValidationError

from splitsearch.profilers.shipped import Count, NotNegative, ProfilePart, Text
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.spaces.errors import UserError

__all__ = [
    "HEAD_PARTS",
    "MANIFEST",
    "SCHEMA",
    "Checked",
    "ExitPart",
    "Manifest",
    "PayloadPart",
    "Preprocessing",
    "Seen",
    "Tensor",
    "Trained",
    "file_hash",
    "read_manifest",
    "write_manifest",
]

MANIFEST = "manifest.json"
HEAD_PARTS = ("head_until_exit.onnx", "head_after_exit.onnx")
"""`head.onnx` once more, as the two files that let an image which leaves at the exit save the rest of the head."""
SCHEMA: Literal[1] = 1


class Tensor(ProfilePart):
    """An input or output of a graph; `shape` is without the batch dimension, which has any size."""

    name: Text
    dtype: Literal["float32", "uint8", "int32"]
    shape: tuple[Count, ...]


Tensors = dict[Literal["inputs", "outputs"], tuple[Tensor, ...]]


class Preprocessing(ProfilePart):
    """From a decoded picture to `image`.

    Attributes:
        size: side of the square that enters, in pixels.
        short_side: what the short side of a larger picture is shrunk to before its centre is cut out.
        resample: how; a picture whose short side is not longer than `size` is stretched to the square.
        mean: of red, green, blue in [0, 1], subtracted after division by 255.
        std: divided by.
    """

    size: PositiveInt
    short_side: PositiveInt
    resample: Literal["bilinear, antialiased (Pillow)"] = "bilinear, antialiased (Pillow)"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class PayloadPart(ProfilePart):
    """What crosses the network: the format of version 1, see NOTES.md; `max_bytes` is without a coding."""

    shape: tuple[Count, Count, Count]
    bits: Count
    coding: Literal["none", "zstd"]
    max_bytes: Count


class ExitPart(ProfilePart):
    """A classifier on the device: it answers alone from `threshold` on.

    Attributes:
        confidence: what `exit_confidence` is.
        threshold: in [0, 1]; `evaluate --write` changes it.
        fusion: weight of the exit's logits in the answer for images that go on, added on the device.
    """

    confidence: Text
    threshold: float = Field(ge=0, le=1)
    fusion: NotNegative


class Seen(ProfilePart):
    """An accuracy: top-1 in [0, 1] of how many images of which part, and the teacher's on the same data set.

    `validation` images are those that the search selected on.
    """

    accuracy: float = Field(ge=0, le=1)
    images: Count
    part: Literal["validation"]
    search_accuracy: float = Field(ge=0, le=1)
    teacher_accuracy: float = Field(ge=0, le=1)


class Trained(ProfilePart):
    """A full training after the search, whose best weights the folder holds.

    Attributes:
        trainer: by name.
        epochs: that it took.
        best_epoch: whose weights these are, from 1: the best on the validation images.
        training_images: how many.
        validation_images: how many; they chose the epoch.
        accuracy: top-1 in [0, 1] of these weights on all validation images.
        exported_accuracy: of the weights that the folder held before, on the same images.
        seed: of the training.
    """

    trainer: Text
    epochs: Count
    best_epoch: Count
    training_images: Count
    validation_images: Count
    accuracy: float = Field(ge=0, le=1)
    exported_accuracy: float = Field(ge=0, le=1)
    seed: int


class Checked(ProfilePart):
    """How the ONNX files compare with PyTorch on validation images, at the time of export.

    Attributes:
        images: how many.
        payload_steps: largest difference of an integer of the payload; of 32 bits, of a float over the largest one.
        payload_changed: share of the integers that differ, by the rounding of a last bit.
        logits: largest difference of the tail on equal input, over the largest logit.
        accuracy: top-1 of the ONNX files.
        accuracy_difference: against PyTorch, at most 0.001, or one image where there are fewer than a thousand.
        runtime: and its version.
        opset: operator set of the files.
    """

    images: Count
    payload_steps: NotNegative
    payload_changed: NotNegative
    logits: NotNegative
    accuracy: float = Field(ge=0, le=1)
    accuracy_difference: NotNegative
    runtime: Text
    opset: Count


class Manifest(ProfilePart):
    """All that is known of an export folder.

    Attributes:
        schema_version: of this file; `schema` in it.
        model: hash of the weights: a head and a tail belong together if it is equal.
        backbone: the network's name.
        structure: hash of the traced backbone that the weights belong to.
        trial: of the run.
        versions: of splitsearch and of the libraries that exported.
        files: name to SHA-256 of every other file of the folder.
        preprocessing: of pictures.
        classes: names in the order of the logits.
        head: tensors in and out.
        head_parts: `HEAD_PARTS`, in the order in which they run, to their tensors; None if the device has nothing to do
            behind the exit, or there is none, or no ONNX was written, or an earlier release wrote the folder.
        tail: tensors in and out.
        payload: what crosses.
        exit: the classifier on the device; None without one.
        seen: its accuracy.
        checked: ONNX against PyTorch; None if no ONNX was written.
        profile: what the search knew of the trial: its entry of front.json.
        costs: of an image on the `full` branch and of one that leaves at the `exit`, as costed, with their source.
        baselines: of the run, on its validation images.
        widths: side to the channels of the layers that pruning left narrower.
        trained: the full training that the weights are from; None if they are the search's.
    """

    schema_version: Literal[1] = Field(alias="schema")
    model: Text
    backbone: Text
    structure: Text
    trial: Count
    versions: dict[str, str]
    files: dict[str, str]
    preprocessing: Preprocessing
    classes: tuple[str, ...] = Field(min_length=2)
    head: Tensors
    head_parts: dict[str, Tensors] | None = None
    tail: Tensors
    payload: PayloadPart
    exit: ExitPart | None
    seen: Seen
    checked: Checked | None
    profile: dict[str, Any]
    costs: dict[str, Any]
    baselines: tuple[dict[str, Any], ...]
    widths: dict[str, dict[str, int]]
    trained: Trained | None = None


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes manifest.json, atomically."""
    data = manifest.model_dump(mode="json", by_alias=True)
    write_atomic(folder / MANIFEST, json.dumps(data, indent=1, allow_nan=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Reads manifest.json.

    Raises:
        UserError: the folder is no export folder, or one of another release.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(
            f"'{folder}' is no export folder: it has no {MANIFEST}; `splitsearch export RUN -o DIR` writes one"
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"'{path}' is no JSON: {error}") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UserError(
            f"'{path}' has schema {schema!r}, this release reads {SCHEMA}: export the trial again with this release"
        )
    try:
        return Manifest.model_validate_json(json.dumps(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"'{path}': the field '{place}' is wrong: {first['msg']}") from error
