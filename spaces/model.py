"""A candidate as a chain of placed stages: the payload crosses where the site changes, costs are a fold over stages."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import nn

from splitsearch.spaces.graph.trace import Shape

__all__ = ["Site", "SplitModel", "Stage"]

Site = Literal["device", "server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One placed part of a candidate.

    Attributes:
        name: what it is: `head`, `encoder`, `decoder`, `tail`.
        site: where it runs.
        module: what it computes.
        input_shape: without the batch dimension.
        output_shape: without the batch dimension.
        bits: bits per element if its output crosses the network.
        shared: identity of weights and costs that other candidates share (a head or tail at one cut), else None.
    """

    name: str
    site: Site
    module: nn.Module
    input_shape: Shape
    output_shape: Shape
    bits: int = 32
    shared: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitModel:
    """Stages from the image to the logits."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        for before, after in pairwise(self.stages):
            if before.output_shape != after.input_shape:
                raise ValueError(f"{before.name} gives {before.output_shape}, {after.name} takes {after.input_shape}")

    def at(self, site: Site) -> tuple[Stage, ...]:
        """The stages that run there."""
        return tuple(stage for stage in self.stages if stage.site == site)

    @property
    def crossing(self) -> Stage | None:
        """The stage whose output is the payload; None if everything runs in one place."""
        return next((a for a, b in pairwise(self.stages) if a.site != b.site), None)

    def stage(self, name: str) -> Stage | None:
        """The stage of that name, if the candidate has one."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def run(self, x: torch.Tensor) -> torch.Tensor:
        """Images (N, 3, S, S) to logits (N, K), without the wire's quantisation."""
        for stage in self.stages:
            x = stage.module(x)
        return x
