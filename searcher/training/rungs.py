"""A trial's checkpoint at a rung: weights, moments and what was seen so far, as safetensors and JSON, never a pickle.

The JSON file is written last and holds the checksum of the other, so that a half-written or altered checkpoint is no
checkpoint: the training then begins anew.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from splitsearch.searcher.training.recipe import Recipe
from splitsearch.searcher.training.runner import Training

__all__ = ["Curve", "drop", "identity", "keep", "resume"]

Curve = list[dict[str, float]]
_WEIGHTS, _FACTS = "state.safetensors", "state.json"


def identity(key: str, recipe: Recipe, seed: int, bits: tuple[int, ...]) -> dict[str, Any]:
    """What a checkpoint must agree in with the training that goes on from it, as plain JSON data."""
    return {"schema": 1, "key": key, "recipe": asdict(recipe) | {"rungs": list(recipe.rungs)}, "seed": seed} | {
        "bits": list(bits)
    }


def keep(folder: Path, training: Training, curve: Curve, who: dict[str, Any]) -> None:
    """Writes a checkpoint in place of the one before.

    Args:
        folder: of this trial; it is made.
        training: as it stands.
        curve: of the rungs reached.
        who: its `identity`.
    """
    tensors, step = training.state()
    data = save({name: value.cpu() for name, value in tensors.items()})
    facts = {"who": who, "step": step, "curve": curve, "sha256": hashlib.sha256(data).hexdigest()}
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / _WEIGHTS, data)
    _replace(folder / _FACTS, json.dumps(facts).encode())


def resume(folder: Path, training: Training, who: dict[str, Any]) -> Curve:
    """Sets a training to where its checkpoint stands.

    Returns:
        The curve of the rungs reached; empty, and the training untouched, if there is no checkpoint of this training
        that can be trusted.
    """
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        data = (folder / _WEIGHTS).read_bytes()
    except (OSError, ValueError):
        return []
    if facts.get("who") != who or hashlib.sha256(data).hexdigest() != facts.get("sha256"):
        return []
    training.restore(load(data), int(facts["step"]))
    return list(facts["curve"])


def drop(folder: Path) -> None:
    """Removes a checkpoint that nobody needs any more, and the folder of all checkpoints with the last of them."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # others are there
        folder.parent.rmdir()


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
