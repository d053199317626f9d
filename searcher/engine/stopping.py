"""Dominance stopping: a training ends at a rung when even a lucky end could not bring it onto the front.

How much accuracy a training gains after a rung (its gap) is learnt from the trainings that went to the end: linear in
the accuracy at the rung and in the depth of the cut, with an offset for each kind of training (its cut, and whether its
head is new) that is drawn towards zero, so that a kind with two finished trainings borrows from the others and one with
ten speaks for itself. The model is the conjugate
Bayesian linear regression with normal-inverse-gamma prior (Bishop, 2006, section 3.3; Gelman et al., 2013, section
14.8), so the prediction is Student's t in closed form, wide while little is known. The rule is the optimistic one of
predictive stopping (Domhan et al., 2015): mean plus z deviations against the best accuracy that costs no more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["STARTUP", "GapModel", "Standing", "Trajectory", "Verdict", "best_within", "judge"]

STARTUP = 8
"""Finished trainings before any may be stopped."""

_SLOPES, _OFFSETS, _INTERCEPT = 1.0, 0.25, 100.0  # prior variances of weights, in units of the noise variance
_SHAPE, _SHARE = 1.0, 0.1  # inverse gamma prior of the noise: as of two trainings, a tenth of the gaps' variance


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A training at a rung.

    Attributes:
        kind: of training: its cut and its kind of head.
        depth: of the cut, 0 at the input and 1 at the output.
        costs: known objectives, smaller is better.
        accuracies: at each rung so far.
    """

    kind: str
    depth: float
    costs: tuple[float, ...]
    accuracies: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory(Standing):
    """A training that went to its end.

    Attributes:
        final: its accuracy there.
    """

    final: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a training is stopped, and what it would have reached: an estimate, from which a sampler may learn."""

    reason: str
    estimate: float
    deviation: float


class GapModel:
    """Predicts what a training still gains after a rung.

    Args:
        finished: trainings, at least one; all have a reading at the rung.
        rung: its number.
    """

    def __init__(self, finished: Sequence[Trajectory], rung: int) -> None:
        self._rung = rung
        self._kinds = sorted({one.kind for one in finished})
        found = np.array([[one.accuracies[rung], one.depth] for one in finished])
        self._centre = found.mean(axis=0)
        self._spread = np.where(np.ptp(found, axis=0) > 0, found.std(axis=0), 1.0)
        gaps = np.array([one.final - one.accuracies[rung] for one in finished])
        design = np.array([self._row(one) for one in finished])
        prior = np.array([_INTERCEPT, _SLOPES, _SLOPES, *[_OFFSETS] * len(self._kinds)])
        self._cover = np.linalg.inv(design.T @ design + np.diag(1 / prior))
        self._mean = self._cover @ (design.T @ gaps)
        scale = max(_SHARE * float(gaps.var()), 1e-12)
        misfit = float(gaps @ (gaps - design @ self._mean))
        self._shape = _SHAPE + len(gaps) / 2
        self._variance = (_SHAPE * scale + max(misfit, 0.0) / 2) / self._shape

    def predict(self, standing: Standing) -> tuple[float, float]:
        """The final accuracy and its predictive deviation."""
        row = self._row(standing)
        unseen = 0.0 if standing.kind in self._kinds else _OFFSETS
        freedom = 2 * self._shape
        variance = self._variance * (1 + float(row @ self._cover @ row) + unseen) * freedom / (freedom - 2)
        return standing.accuracies[self._rung] + float(row @ self._mean), math.sqrt(variance)

    def _row(self, one: Standing) -> NDArray[np.float64]:
        inputs = (np.array([one.accuracies[self._rung], one.depth]) - self._centre) / self._spread
        return np.array([1.0, *inputs, *(float(one.kind == kind) for kind in self._kinds)])


def best_within(costs: Sequence[float], finished: Sequence[Trajectory]) -> float:
    """The attainment surface at some costs: the best final accuracy of what costs no more in anything."""
    reached = [one.final for one in finished if all(a <= b for a, b in zip(one.costs, costs, strict=True))]
    return max(reached, default=-math.inf)


def judge(
    standing: Standing, finished: Sequence[Trajectory], *, z: float = 2.0, startup: int = STARTUP
) -> Verdict | None:
    """Whether a training should stop at the rung that it has reached.

    Args:
        standing: the training; its last reading counts.
        finished: all trainings of the study that went to their end.
        z: deviations of optimism.
        startup: so many must have finished.

    Returns:
        None to go on: too little is known, nothing that costs as little is as good, or the front is in reach.
    """
    rung = len(standing.accuracies) - 1
    readable = [one for one in finished if len(one.accuracies) > rung]
    threshold = best_within(standing.costs, finished)
    if rung < 0 or len(readable) < max(1, startup) or threshold == -math.inf:
        return None
    estimate, deviation = GapModel(readable, rung).predict(standing)
    if estimate + z * deviation >= threshold:
        return None
    reason = (
        f"stopped at rung {rung}: accuracy {standing.accuracies[-1]:.4g} promises {estimate:.4g} and hardly more than "
        f"{estimate + z * deviation:.4g} (estimated), where {threshold:.4g} costs no more"
    )
    return Verdict(reason=reason, estimate=estimate, deviation=deviation)
