"""Which steps are whose: a training's steps divided among its rungs, and those of each rung among its phases."""

from collections.abc import Sequence
from dataclasses import dataclass

from splitsearch.searcher.training.phases import Phase

__all__ = ["Piece", "pieces", "rung_bounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A phase's steps within one cycle.

    Attributes:
        phase: which.
        begin: number of its first step.
        end: number of the step after its last.
        first: whether the phase starts here.
    """

    phase: Phase
    begin: int
    end: int
    first: bool


def pieces(phases: Sequence[Phase], bounds: Sequence[int]) -> list[Piece]:
    """Divides every cycle among the phases.

    Args:
        phases: whose shares sum to 1.
        bounds: the step after the last of each cycle, rising. A cycle of fewer steps than phases has pieces without
            steps.
    """
    found: list[Piece] = []
    begin = 0
    for cycle, bound in enumerate(bounds):
        behind = 0.0
        start = begin
        for phase in phases:
            behind += phase.share
            end = bound if phase is phases[-1] else start + round((bound - start) * min(1.0, behind))
            found.append(Piece(phase=phase, begin=begin, end=end, first=cycle == 0))
            begin = end
    return found


def rung_bounds(steps: int, rungs: Sequence[float]) -> list[int]:
    """Steps after which the rungs are reached; each has at least one of its own."""
    found: list[int] = []
    for left, share in zip(range(len(rungs) - 1, -1, -1), rungs, strict=True):
        least = found[-1] + 1 if found else 1
        found.append(min(max(least, round(share * steps)), steps - left))
    return found
