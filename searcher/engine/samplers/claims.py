"""Workers that choose at once must not choose the same point: each writes its choice down and looks again."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from splitsearch.searcher.engine.samplers.knowledge import Point

__all__ = ["CLAIM", "claim", "claimed"]

CLAIM = "known_cost:claim"
_ATTEMPTS = 16


def claimed(trial: FrozenTrial) -> dict[str, Any] | None:
    """The point that a trial has claimed, also before all of its parameters were asked for."""
    found = trial.system_attrs.get(CLAIM)
    return found if isinstance(found, dict) else None


def claim(
    study: optuna.Study,
    trial: FrozenTrial,
    ranked: Sequence[int],
    point: Callable[[int], Point],
    place: Callable[[FrozenTrial], int | None],
) -> dict[str, Any]:
    """Claims the best point that no other trial holds.

    A worker writes first and reads afterwards, so of two that want one point at least the second to write sees the
    other, and whoever sees another gives way. If both see each other, both do: the lower trial number then takes the
    next point and the higher one the next but one. So no point is ever held twice; at worst a good one waits for the
    next suggestion. (That the lower number keeps it would not do: it may write after the other has looked.)

    Args:
        study: whose trials are looked at.
        trial: the one that claims.
        ranked: numbers of free points, best first; not empty.
        point: number to parameters.
        place: the point that a trial holds.
    """
    wanted, skipped = ranked[0], set()
    for _ in range(min(_ATTEMPTS, len(ranked))):
        chosen = {name: _plain(value) for name, value in point(wanted).items()}
        study._storage.set_trial_system_attr(trial._trial_id, CLAIM, chosen)
        held = {
            other.number: place(other) for other in study.get_trials(deepcopy=False) if other.number != trial.number
        }
        rivals = [number for number, held_place in held.items() if held_place == wanted]
        if not rivals:
            break
        skipped.add(wanted)
        open_points = [number for number in ranked if number not in skipped and number not in held.values()]
        if not open_points:
            break
        wanted = open_points[min(sum(rival < trial.number for rival in rivals), len(open_points) - 1)]
    return chosen


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    return value.item() if isinstance(value, np.generic) else value
