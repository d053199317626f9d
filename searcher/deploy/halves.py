"""The two halves of a candidate as they are deployed: image to what is sent, what arrived to logits.

Quantising is inside the head and its inverse inside the tail, so that what crosses between two graphs is integers with
their scale, in any runtime; packing them tightly is left to a few lines of numpy (`spaces/bottleneck/payload.py`).
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from splitsearch.spaces.bottleneck.payload import quantise
from splitsearch.spaces.exits import confidence
from splitsearch.spaces.model import SplitModel, Stage

__all__ = [
    "IMAGE",
    "DeviceHalf",
    "ServerHalf",
    "as_tuple",
    "device_stages",
    "head_outputs",
    "integer_type",
    "tail_inputs",
]

IMAGE = "image"
"""Name of the head's input: normalised images (N, 3, S, S), float32."""


def integer_type(bits: int) -> torch.dtype:
    """The number format between the two graphs; unsigned 16-bit integers are known to few runtimes."""
    return torch.float32 if bits == 32 else torch.int32 if bits == 16 else torch.uint8


def head_outputs(bits: int, *, with_exit: bool) -> tuple[str, ...]:
    """Names of what a head gives: the tensor that crosses, what its integers mean, and the exit's answer."""
    return (*tail_inputs(bits), *(("exit_logits", "exit_confidence") if with_exit else ()))


def tail_inputs(bits: int) -> tuple[str, ...]:
    """Names of what a tail takes; 32 bits cross as they are, without a scale."""
    return ("payload",) if bits == 32 else ("payload", "scale", "zero")


def device_stages(model: SplitModel) -> tuple[Stage, ...]:
    """What runs on the device, the exit's classifier last."""
    return (*model.at("device"), *((model.exit.stage,) if model.exit else ()))


class DeviceHalf(nn.Module):
    """Images (N, 3, S, S) to the tensors that `head_outputs` names, in that order.

    `payload` is (N, channels, h, w), `scale` and `zero` (N,), `exit_logits` (N, K), `exit_confidence` (N,) in [0, 1].
    """

    def __init__(self, model: SplitModel, bits: int) -> None:
        super().__init__()
        stages = model.at("device")
        self.parts = nn.ModuleList([stage.module for stage in stages])
        self.bits = bits
        self.exit_after = [stage.name for stage in stages].index(model.exit.after) if model.exit else None
        self.classifier = model.exit.stage.module if model.exit else None
        self.confidence = model.exit.confidence if model.exit else ""

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Computes what the device computes."""
        x, early = image, None
        for place, part in enumerate(self.parts):
            x = part(x)
            if self.classifier is not None and place == self.exit_after:
                early = cast("torch.Tensor", self.classifier(x))
        answer = () if early is None else (early, confidence(early, self.confidence))
        if self.bits == 32:
            return (x, *answer)
        q, scale, zero = quantise(x, self.bits)
        return (q.to(integer_type(self.bits)), scale.flatten(), zero.flatten(), *answer)


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
