"""Picks: which one of a front, where somebody wants one and not the choice."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from splitsearch.searcher.engine.objectives import Objective
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["PICKS", "pick"]

Entry = dict[str, Any]

_COSTS = {"latency": "latency_ms", "payload": "payload_bytes", "energy": "energy_mj"}
PICKS = ("knee", "accuracy", *_COSTS)
_LOG_FROM = 8  # as in the figures: a cost that spreads more widely is compared by its logarithm


def pick(entries: Sequence[Entry], objectives: Sequence[Objective], wish: str) -> Entry:
    """One entry of a front.

    `accuracy`, `latency`, `payload` and `energy` take the best in that value, and the more accurate, else the faster,
    of equal ones. `knee` takes the one nearest to the point that is best in every objective, each objective scaled over
    the front to [0, 1] (compromise programming; Zeleny, 1973).

    Raises:
        UserError: no such pick, or the front is empty.
    """
    if wish not in PICKS:
        raise UserError(f"unknown pick '{wish}'{nearest(wish, PICKS)}")
    if not entries:
        raise UserError("the front is empty: there is nothing to pick")
    if wish == "knee":
        distances = _distances(entries, objectives)
        return entries[int(np.argmin(distances))]
    return min(entries, key=_order(wish))


def _order(wish: str) -> Callable[[Entry], tuple[float, ...]]:
    def key(entry: Entry) -> tuple[float, ...]:
        values = entry["values"]
        first = -values["accuracy"] if wish == "accuracy" else values[_COSTS[wish]]
        return first, -values["accuracy"], values["latency_ms"]

    return key


def _distances(entries: Sequence[Entry], objectives: Sequence[Objective]) -> np.ndarray[Any, np.dtype[np.float64]]:
    total = np.zeros(len(entries))
    for objective in objectives:
        column = np.array([entry["values"][objective.name] for entry in entries], dtype=float)
        if objective.direction == "maximize":
            column = -column
        elif column.min() > 0 and column.max() / column.min() >= _LOG_FROM:
            column = np.log(column)
        spread = column.max() - column.min()
        total += ((column - column.min()) / spread) ** 2 if spread > 0 else 0.0
    return np.sqrt(total)
