"""A candidate as a chain of placed stages: the payload crosses where the site changes, costs are a fold over stages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import torch
from torch import nn

from splitsearch.spaces.graph.layout import from_map, map_shape, to_map
from splitsearch.spaces.graph.part import GraphPart
from splitsearch.spaces.graph.trace import Shape

__all__ = ["Exit", "Lanes", "Resize", "Site", "SplitModel", "Stage"]

Site = Literal["device", "server"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One placed part of a candidate; its module is built when it is first asked for.

    Most candidates are only costed, and most of their stages were costed before in others.

    Attributes:
        name: what it is: `resize`, `head`, `head_after_exit`, `encoder`, `decoder`, `tail`.
        site: where it runs.
        build: makes what it computes.
        input_shape: without the batch dimension.
        output_shape: without the batch dimension.
        bits: bits per element if its output crosses the network.
        coding: how the packed integers are then compressed without loss.
        same_costs: what has the same text here has the same costs, in every candidate; None if nothing is known.
        original: whether it is the backbone's own part with the backbone's own weights.
        cut: name of the cut that a head ends at, or a tail starts from.
        parts: where it is made of stretches of the backbone or a variant of it: one for each lane.
    """

    name: str
    site: Site
    build: Callable[[], nn.Module]
    input_shape: Shape
    output_shape: Shape
    bits: int = 32
    coding: str = "none"
    same_costs: str | None = None
    original: bool = False
    cut: str | None = None
    parts: tuple[GraphPart, ...] = ()

    @cached_property
    def module(self) -> nn.Module:
        """What it computes."""
        return self.build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A classifier on the device.

    Attributes:
        after: name of the stage whose output it classifies.
        stage: the classifier.
        confidence: `max`, `margin` or `entropy`.
        threshold: confidence from which on its answer stands.
        fusion: weight of its logits in the final answer of images that go on.
    """

    after: str
    stage: Stage
    confidence: str
    threshold: float
    fusion: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitModel:
    """Stages from the image to the logits, and the exit that may end them early."""

    stages: tuple[Stage, ...]
    exit: Exit | None = None

    def __post_init__(self) -> None:
        for before, after in pairwise(self.stages):
            if before.output_shape != after.input_shape:
                raise ValueError(f"{before.name} gives {before.output_shape}, {after.name} takes {after.input_shape}")

    def at(self, site: Site) -> tuple[Stage, ...]:
        """The stages of the full branch that run there."""
        return tuple(stage for stage in self.stages if stage.site == site)

    @property
    def crossing(self) -> Stage | None:
        """The stage whose output is the payload; None if everything runs in one place."""
        return next((a for a, b in pairwise(self.stages) if a.site != b.site), None)

    def stage(self, name: str) -> Stage | None:
        """The stage of that name, if the candidate has one."""
        return next((stage for stage in self.stages if stage.name == name), None)

    @property
    def until_exit(self) -> tuple[Stage, ...]:
        """What runs for an image that leaves at the exit: the stages before it and its classifier."""
        if self.exit is None:
            return ()
        names = [stage.name for stage in self.stages]
        return (*self.stages[: names.index(self.exit.after) + 1], self.exit.stage)

    def run(self, x: torch.Tensor) -> torch.Tensor:
        """Images (N, 3, S, S) to logits (N, K) of the full branch, without the wire's quantisation."""
        for stage in self.stages:
            x = stage.module(x)
        return x


class Lanes(nn.Module):
    """S narrow networks side by side, in place of one wide one (SplitNet; Zhao et al., 2020).

    Where the lanes meet a bottleneck, their tensors lie one after another along the channels of one map.
    """

    def __init__(self, lanes: Sequence[nn.Module], *, entry: Shape | None, leave: Shape | None) -> None:
        """Takes the networks.

        Args:
            lanes: S networks of one shape.
            entry: what one lane takes of a joint map; None if every lane takes the whole input, the image.
            leave: what one lane gives to a joint map; None if the outputs are logits, which are averaged.
        """
        super().__init__()
        self.lanes = nn.ModuleList(lanes)
        self.entry = entry
        self.leave = leave

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Runs the lanes independently and joins what they give."""
        results = [self.member(x, place) for place in range(len(self.lanes))]
        if self.leave is None:
            total: torch.Tensor = sum(results[1:], results[0])
            return total / len(results)
        return torch.cat([to_map(result, self.leave) for result in results], dim=1)

    def member(self, x: torch.Tensor, place: int) -> torch.Tensor:
        """What one lane gives, from the joint input of all."""
        result: torch.Tensor = self.lanes[place](self._part(x, place))
        return result

    def _part(self, x: torch.Tensor, place: int) -> torch.Tensor:
        if self.entry is None:
            return x
        channels = map_shape(self.entry)[0]
        return from_map(x[:, place * channels : (place + 1) * channels], self.entry)


class Resize(nn.Module):
    """Brings images (N, 3, S, S) to a smaller side."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Bilinear, with antialiasing, as image libraries shrink."""
        return nn.functional.interpolate(
            x, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False
        )
