"""How fast the machine is at each moment: other programs, other guests of a host and its clocks slow it for minutes.

A yardstick, one small network, runs before every visit of the networks that are measured, and within the long ones.
What it takes then, over what it usually takes, is the machine's pace, and the samples of the visit are divided by it:
figures of one file are at one pace, and a later process that runs the same yardstick finds them again whatever the
machine is busy with (`benchmarks/predict_latency.py`). Where others than the calling thread compute, no pace is told
and nothing is changed.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from splitsearch.profilers.counting.operators import operator_costs, total
from splitsearch.profilers.devices.measured import Pace
from splitsearch.profilers.measure.agent import YARDSTICK
from splitsearch.profilers.measure.plan import Block, Item
from splitsearch.profilers.measure.series import Sample

__all__ = ["Visit", "at_pace", "comparable", "pace_of", "visits_in", "yardstick"]

_SIDE = 112
_LAYERS = (
    (3, 16, 3, 2, 1),
    (16, 16, 3, 1, 16),
    (16, 64, 1, 1, 1),
    (64, 64, 3, 2, 64),
    (64, 24, 1, 1, 1),
    (24, 64, 3, 1, 1),
    (64, 64, 3, 2, 1),
    (64, 256, 1, 2, 1),
    (256, 256, 3, 1, 1),
    (256, 512, 1, 1, 1),
)
"""Channels in and out, window, stride, groups."""

_STREAMING = ((512, 512, 3, 1, 1), (512, 512, 3, 1, 1))
"""They stream weights as the late layers of large networks do."""

_AROUND = 3  # visits before and after: a single run of the yardstick is as noisy as any other


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit of one network.

    Attributes:
        item: its name.
        round: in which.
        samples: what was timed.
        yardstick_ms: what the yardstick took before it; None where no pace is told.
    """

    item: str
    round: int
    samples: tuple[Sample, ...]
    yardstick_ms: float | None


def yardstick(runtime: str) -> Item:
    """A network of a few milliseconds, like those it is for: large maps at first, large weights at the end.

    Not so large in PyTorch, which puts weights into another order in every run: what that takes depends on where in the
    heap it happens, and says little of the machine.
    """
    shapes = _LAYERS if runtime in ("eager", "compile") else (*_LAYERS, *_STREAMING)
    with torch.random.fork_rng(devices=[]):
        layers = [module for shape in shapes for module in _layer(*shape)]
    block = Block(name=YARDSTICK, module=nn.Sequential(*layers).eval(), input_shape=(3, _SIDE, _SIDE))
    return Item(name=YARDSTICK, pieces=(block,), profile=True)


def _layer(before: int, after: int, window: int, stride: int, groups: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(before, after, window, stride, window // 2, groups=groups), nn.ReLU()


def comparable(pace: Pace | None, runtime: str) -> Pace | None:
    """The pace of a profile, if this version's yardstick told it; None where another one did, or none."""
    item = yardstick(runtime)
    macs = total(operator_costs(item.graph_module, item.input_shape).values()).macs
    return pace if pace is not None and pace.macs == macs else None


def visits_in(lines: Iterable[Mapping[str, Any]]) -> list[Visit]:
    """The visits among an agent's lines, in order of time."""
    return [
        Visit(
            item=line["item"],
            round=line["round"],
            samples=tuple((float(wall), own if own is None else float(own)) for wall, own in line["samples"]),
            yardstick_ms=line.get("yardstick") or None,
        )
        for line in lines
        if line["what"] == "visit"
    ]


def pace_of(visits: Sequence[Visit], macs: int) -> Pace | None:
    """What the yardstick took during a measurement; None where it was not run.

    Args:
        visits: of the measurement, in order of time.
        macs: multiply-adds of the yardstick.
    """
    told = [ms for ms in _smooth(visits) if ms is not None]
    if not told:
        return None
    ranked = sorted(told)
    return Pace(
        macs=macs,
        p10_ms=ranked[len(ranked) // 10],
        p50_ms=statistics.median(ranked),
        p90_ms=ranked[9 * len(ranked) // 10],
    )


def at_pace(visits: Sequence[Visit], yardstick_ms: float | None) -> list[Visit]:
    """The visits as they would have been while the yardstick took so long; as they were where either is not known."""
    return [
        visit if here is None or yardstick_ms is None else _scaled(visit, yardstick_ms / here)
        for visit, here in zip(visits, _smooth(visits), strict=True)
    ]


def _smooth(visits: Sequence[Visit]) -> list[float | None]:
    """The yardstick's mean over the visits around each but for the slowest and the quickest.

    A mean, since a long network runs through moments of both kinds; and a single odd run says nothing.
    """
    found: list[float | None] = []
    for place in range(len(visits)):
        around = visits[max(0, place - _AROUND) : place + _AROUND + 1]
        told = sorted(visit.yardstick_ms for visit in around if visit.yardstick_ms is not None)
        found.append(statistics.fmean(told[1:-1] if len(told) > 3 else told) if told else None)
    return found


def _scaled(visit: Visit, factor: float) -> Visit:
    samples = tuple((wall * factor, own if own is None else own * factor) for wall, own in visit.samples)
    return replace(visit, samples=samples)
