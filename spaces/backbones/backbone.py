"""A backbone as it comes from its source: the one thing that torchvision, timm and the user's own file all deliver."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from splitsearch.spaces.backbones.weights import replace_classifier

__all__ = ["Backbone", "Origin", "digest", "file_hash", "finish"]

Origin = Literal["pretrained", "file", "own", "scratch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A network before it is anybody's teacher.

    Attributes:
        name: as the user gave it.
        module: in evaluation mode, with one logit per class of the data set.
        origin: where its weights come from: published (`pretrained`), a state-dict `file`, the user's `own` function,
            or none yet (`scratch`).
        new_classifier: the last layer was replaced for another number of classes and wants fitting.
        fingerprint: hash of the source and of the weights' origin, for caches.
        note: what the user should know about the weights, or an empty string.
    """

    name: str
    module: nn.Module
    origin: Origin
    new_classifier: bool
    fingerprint: str
    note: str = ""


def finish(name: str, module: nn.Module, classes: tuple[int, int], origin: Origin, source: str) -> Backbone:
    """Fits the classifier to the data and records where everything came from.

    Args:
        name: as the user gave it.
        module: with its weights.
        classes: that it tells apart now, and that the data set has.
        origin: of the weights.
        source: what makes these weights different from others, for the fingerprint.
    """
    old, new = classes
    if old != new:
        replace_classifier(module, old, new)
    return Backbone(
        name=name,
        module=module.eval(),
        origin=origin,
        new_classifier=old != new,
        fingerprint=digest(f"{name}:{origin}:{source}"),
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(text: str) -> str:
    """A short hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
