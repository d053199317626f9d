"""SplitConfig: what one candidate is, as data. Equal candidates have equal keys, in every process."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.premises import PREMISES, matters

__all__ = [
    "ACTIVATIONS",
    "BITS",
    "CODINGS",
    "CONFIDENCES",
    "DIVISIONS",
    "HEADS",
    "IMPORTANCES",
    "PRUNING_RULES",
    "SCOPES",
    "HeadKind",
    "SplitConfig",
]

HeadKind = Literal["original", "mimic"]
HEADS: tuple[HeadKind, ...] = get_args(HeadKind)
BITS = (1, 2, 3, 4, 5, 6, 7, 8, 16, 32)
ACTIVATIONS = ("none", "relu", "tanh")
PRUNING_RULES = ("ratio", "threshold")
CODINGS = ("none", "zstd")
DIVISIONS = (1, 2, 4, 8)
SCOPES = ("tail", "head", "whole")
IMPORTANCES = ("l1", "l2", "bn", "taylor")
CONFIDENCES = ("max", "margin", "entropy")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """One candidate: where the backbone is cut, what crosses there, and how head and tail differ from the backbone.

    Attributes:
        backbone: name of a torchvision classifier, `timm:NAME`, or `FILE.py:FUNCTION`.
        cut: name of the node after which the backbone is cut.
        head: `original` keeps the backbone's layers up to the cut, `mimic` replaces them by a compact encoder.
        channels: channels of the bottleneck tensor, at least 1.
        bits: bits per element on the wire, one of `BITS`; 32 sends float32 as it is.
        image_size: side of the square input image in pixels.
        encoder: of a mimic head: `compact`, a published one by name, or a chain in the notation of `chain`.
        encoder_width: channels of the first convolution of a compact encoder.
        encoder_depth: convolutions of a compact encoder at the size of the bottleneck.
        activation: after the encoder, before quantisation, one of `ACTIVATIONS`.
        stride: how much smaller the sides of the bottleneck are than those of the tensor at the cut.
        decoder: `light`, `linear`, a published one by name, or a chain.
        coding: lossless coding of the packed integers, one of `CODINGS`.
        division: narrow networks in place of one wide one (SplitNet's S), one of `DIVISIONS`.
        division_scope: which part is divided.
        head_pruning: share of the channels removed from each prunable layer of the head, in [0, 1).
        tail_pruning: the same of the tail.
        pruning_rule: `ratio` reads the two numbers as shares; `threshold` removes the channels whose importance, over
            the mean of their layer, lies below them.
        importance: which channels stay when pruning.
        pruning_multiple: of how many the channels that stay are a multiple, in each prunable layer that has so many;
            rounded up. Runtimes are slow at odd numbers: with 8 or 16, what is pruned is also faster.
        depth: share of the blocks of each stage that stay, in (0, 1].
        width: share of the inner channels of each block that stay, in (0, 1].
        resolution: side of the image that enters the network over `image_size`, in (0, 1].
        exit_cut: where a classifier on the device may answer; None for no exit.
        exit_confidence: what the exit compares with its threshold.
        exit_threshold: confidence from which on the device answers alone.
        exit_fusion: weight of the exit's logits that are added to the final ones, at least 0.
    """

    backbone: str
    cut: str
    head: HeadKind
    channels: int
    bits: int
    image_size: int
    encoder: str = "compact"
    encoder_width: int = 32
    encoder_depth: int = 1
    stride: int = 1
    activation: str = "none"
    decoder: str = "light"
    coding: str = "none"
    division: int = 1
    division_scope: str = "tail"
    head_pruning: float = 0.0
    tail_pruning: float = 0.0
    pruning_rule: str = "ratio"
    importance: str = "l1"
    pruning_multiple: int = 1
    depth: float = 1.0
    width: float = 1.0
    resolution: float = 1.0
    exit_cut: str | None = None
    exit_confidence: str = "max"
    exit_threshold: float = 0.9
    exit_fusion: float = 0.0

    def __post_init__(self) -> None:
        for name, rule in _RULES.items():
            value = getattr(self, name)
            if (wrong := rule(value)) is not None:
                raise UserError(f"{name} must be {wrong}, not {value!r}{_hint(name, value)}")
        for name in PREMISES:
            if not matters(name, lambda field: getattr(self, field)) and getattr(self, name) != _DEFAULTS[name]:
                # A candidate that differs only in what does not matter is the same candidate, with the same key.
                object.__setattr__(self, name, _DEFAULTS[name])

    @property
    def key(self) -> str:
        """Hash of the canonical JSON, 16 hexadecimal digits: the candidate's identity across processes and runs."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data without the fields that have their default value; `from_json` reads it back."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SplitConfig":
        """Reads what `to_json` wrote.

        Raises:
            UserError: a field is unknown or missing.
        """
        known = [f.name for f in fields(cls)]
        for name in data:
            if name not in known:
                raise UserError(f"unknown field '{name}' of a configuration{nearest(name, known)}")
        missing = [name for name in known if name not in data and name not in _DEFAULTS]
        if missing:
            raise UserError(f"a configuration lacks the field '{missing[0]}'")
        return cls(**data)

    @property
    def undivided(self) -> "SplitConfig":
        """The same candidate without width division."""
        return replace(self, division=1)

    def __str__(self) -> str:
        extras = [f"{name}={getattr(self, name)}" for name in _DEFAULTS if getattr(self, name) != _DEFAULTS[name]]
        return " ".join((self.cut, self.head, f"{self.channels}ch", f"{self.bits}bit", *extras))


_REQUIRED = ("backbone", "cut", "head", "channels", "bits", "image_size")
_DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(SplitConfig) if f.name not in _REQUIRED}


def _whole(low: int) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        right = isinstance(value, int) and not isinstance(value, bool) and value >= low
        return None if right else f"an integer of at least {low}"

    return rule


def _among(choices: tuple[Any, ...]) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        right = value in choices and not isinstance(value, bool)
        return None if right else f"one of {', '.join(map(str, choices))}"

    return rule


def _between(text: str, inside: Callable[[float], bool]) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return None if number and inside(value) else text

    return rule


_SHARE = _between("above 0 and at most 1", lambda v: 0 < v <= 1)
_RATIO = _between("at least 0 and below 1", lambda v: 0 <= v < 1)
_RULES: dict[str, Callable[[Any], str | None]] = {
    "head": _among(HEADS),
    "channels": _whole(1),
    "bits": _among(BITS),
    "image_size": _whole(1),
    "encoder_width": _whole(1),
    "encoder_depth": _whole(0),
    "stride": _among((1, 2, 4, 8)),
    "activation": _among(ACTIVATIONS),
    "coding": _among(CODINGS),
    "division": _among(DIVISIONS),
    "division_scope": _among(SCOPES),
    "head_pruning": _RATIO,
    "tail_pruning": _RATIO,
    "pruning_rule": _among(PRUNING_RULES),
    "importance": _among(IMPORTANCES),
    "pruning_multiple": _whole(1),
    "depth": _SHARE,
    "width": _SHARE,
    "resolution": _SHARE,
    "exit_confidence": _among(CONFIDENCES),
    "exit_threshold": _between("at least 0 and at most 1", lambda v: 0 <= v <= 1),
    "exit_fusion": _between("at least 0", lambda v: v >= 0),
}


def _hint(name: str, value: Any) -> str:
    choices = _CHOICES.get(name)
    return nearest(value, choices) if choices and isinstance(value, str) else ""


_CHOICES: dict[str, tuple[str, ...]] = {
    "head": HEADS,
    "activation": ACTIVATIONS,
    "coding": CODINGS,
    "division_scope": SCOPES,
    "pruning_rule": PRUNING_RULES,
    "importance": IMPORTANCES,
    "exit_confidence": CONFIDENCES,
}
