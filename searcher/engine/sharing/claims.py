"""Who trains which candidate, decided from the study alone, so that no candidate is trained twice and none too many.

Every worker decides for itself on a reading of the study in which every running trial has said what it is for. A trial
is *choosing* until it has, *undecided* then, and *started* once it has written down that it trains. Of two undecided
ones the lower number goes first; the higher never waits for the lower, so nobody waits in a circle. Whoever starts did
not see another; whoever comes later sees it. The order is that of Lamport's bakery (1974).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Decision", "Runner", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A running trial as others see it.

    Attributes:
        number: of the trial.
        key: of its candidate; None while it chooses.
        started: whether it trains.
    """

    number: int
    key: str | None
    started: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a trial does now.

    Attributes:
        verb: start training, wait and read again, or give way.
        reason: why it gives way.
    """

    verb: Literal["start", "wait", "yield"]
    reason: str = ""


def decide(number: int, key: str, others: Sequence[Runner], free: int) -> Decision:
    """Decides for one trial.

    Args:
        number: of the trial, whose own parameters are written.
        key: of its candidate.
        others: all other running trials, read after that.
        free: trainings that the budget still allows, with those that run.
    """
    if any(other.key is None for other in others):
        return Decision(verb="wait")
    rival = next((o for o in others if o.key == key and (o.started or o.number < number)), None)
    if rival is not None:
        return Decision(verb="yield", reason=f"trial {rival.number} trains this candidate")
    before_me = sum(other.started or other.number < number for other in others)
    if before_me >= free:
        return Decision(verb="yield", reason="other trials use up the budget")
    if any(other.key == key for other in others) or len(others) >= free:
        return Decision(verb="wait")
    return Decision(verb="start")
