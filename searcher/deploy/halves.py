"""The two halves of a candidate as they are deployed: image to what is sent, what arrived to logits.

Quantising is inside the head and its inverse inside the tail, so that what crosses between two graphs is integers with
their scale, in any runtime; packing them tightly is left to a few lines of numpy (`spaces/bottleneck/payload.py`).

A head with an exit falls into two parts: an image that leaves at the exit does not need what comes after it.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from splitsearch.spaces.bottleneck.payload import quantise
from splitsearch.spaces.exits import confidence
from splitsearch.spaces.model import SplitModel, Stage

__all__ = [
    "ANSWER",
    "FEATURES",
    "IMAGE",
    "AfterExit",
    "DeviceHalf",
    "ServerHalf",
    "UntilExit",
    "as_tuple",
    "device_stages",
    "head_outputs",
    "integer_type",
    "stops_early",
    "tail_inputs",
]

IMAGE = "image"
"""Name of the head's input: normalised images (N, 3, S, S), float32."""

FEATURES = "features"
"""Name of what the part before the exit hands to the part after it: (N, *shape), float32."""

ANSWER = ("exit_logits", "exit_confidence")
"""Names of what an exit says."""


def integer_type(bits: int) -> torch.dtype:
    """The number format between the two graphs; unsigned 16-bit integers are known to few runtimes."""
    return torch.float32 if bits == 32 else torch.int32 if bits == 16 else torch.uint8


def head_outputs(bits: int, *, with_exit: bool) -> tuple[str, ...]:
    """Names of what a head gives: the tensor that crosses, what its integers mean, and the exit's answer."""
    return (*tail_inputs(bits), *(ANSWER if with_exit else ()))


def tail_inputs(bits: int) -> tuple[str, ...]:
    """Names of what a tail takes; 32 bits cross as they are, without a scale."""
    return ("payload",) if bits == 32 else ("payload", "scale", "zero")


def stops_early(model: SplitModel) -> bool:
    """Whether the device has more to do behind the exit, so that an image that leaves there saves it."""
    return model.exit is not None and model.exit.after != model.at("device")[-1].name


def device_stages(model: SplitModel) -> tuple[Stage, ...]:
    """What runs on the device, the exit's classifier last."""
    return (*model.at("device"), *((model.exit.stage,) if model.exit else ()))


class UntilExit(nn.Module):
    """Images (N, 3, S, S) to the features at the exit, its logits (N, K), and its confidence (N,) in [0, 1].

    Raises:
        ValueError: the candidate has no exit.
    """

    def __init__(self, model: SplitModel) -> None:
        super().__init__()
        if model.exit is None:
            raise ValueError("a candidate without an exit has nothing before it")
        *stages, classifier = model.until_exit
        self.parts = nn.Sequential(*[stage.module for stage in stages])
        self.classifier = classifier.module
        self.confidence = model.exit.confidence

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Computes what every image needs."""
        features: torch.Tensor = self.parts(image)
        logits: torch.Tensor = self.classifier(features)
        return features, logits, confidence(logits, self.confidence)


class AfterExit(nn.Module):
    """Features at the exit, without one the image, to the tensors that `tail_inputs` names, in that order."""

    def __init__(self, model: SplitModel, bits: int) -> None:
        super().__init__()
        stages = model.at("device")
        before = len(model.until_exit) - 1 if model.exit else 0
        self.parts = nn.Sequential(*[stage.module for stage in stages[before:]])
        self.bits = bits

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Computes what an image needs that is sent."""
        x: torch.Tensor = self.parts(features)
        if self.bits == 32:
            return (x,)
        q, scale, zero = quantise(x, self.bits)
        return q.to(integer_type(self.bits)), scale.flatten(), zero.flatten()


class DeviceHalf(nn.Module):
    """Images (N, 3, S, S) to the tensors that `head_outputs` names, in that order: both parts, one after the other.

    `payload` is (N, channels, h, w), `scale` and `zero` (N,), `exit_logits` (N, K), `exit_confidence` (N,) in [0, 1].
    """

    def __init__(self, model: SplitModel, bits: int) -> None:
        super().__init__()
        self.until_exit = UntilExit(model) if model.exit else None
        self.after_exit = AfterExit(model, bits)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Computes what the device computes."""
        if self.until_exit is None:
            return cast("tuple[torch.Tensor, ...]", self.after_exit(image))
        features, *answer = self.until_exit(image)
        return (*self.after_exit(features), *answer)


class ServerHalf(nn.Module):
    """What `tail_inputs` names to logits (N, K)."""

    def __init__(self, model: SplitModel) -> None:
        super().__init__()
        self.parts = nn.Sequential(*[stage.module for stage in model.at("server")])

    def forward(
        self, payload: torch.Tensor, scale: torch.Tensor | None = None, zero: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Computes what the server computes."""
        x = payload.to(torch.float32)
        if scale is not None and zero is not None:
            x = x * _per_image(scale) + _per_image(zero)
        logits: torch.Tensor = self.parts(x)
        return logits


def _per_image(values: torch.Tensor) -> torch.Tensor:
    return values[:, None, None, None]


def as_tuple(outputs: torch.Tensor | Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """One output or several, as a tuple."""
    return (outputs,) if isinstance(outputs, torch.Tensor) else tuple(outputs)
