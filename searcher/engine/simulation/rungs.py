"""Dominance stopping replayed on a table that knows how accurate each row was on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

from splitsearch.searcher.engine.simulation.table import Table
from splitsearch.searcher.engine.stopping import Standing, Trajectory, Verdict, judge
from splitsearch.spaces.errors import UserError

__all__ = ["Replayed", "Rungs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How a row's evaluation went.

    Attributes:
        cost: share of a whole evaluation that it took.
        verdict: why it was stopped, None if it was not.
    """

    cost: float
    verdict: Verdict | None = None


class Rungs:
    """The rungs of a table.

    Args:
        table: with curves; the first unknown objective is what they lead to.
        shares: of a whole evaluation, at each rung before the last, rising and between 0 and 1.
        depth: the parameter that says how deep the cut lies, None if none does.

    Raises:
        UserError: shares that do not fit, or a depth that is no parameter of numbers.
    """

    def __init__(self, table: Table, shares: Sequence[float], depth: str | None) -> None:
        curve = table.columns.curve
        if len(table.columns.unknown) > 1:
            raise UserError("--curve foretells one objective, so --unknown may name one alone")
        if len(shares) != len(curve) or list(shares) != sorted(set(shares)) or not all(0 < s < 1 for s in shares):
            text = ",".join(f"{share:g}" for share in shares)
            raise UserError(f"--curve-shares needs {len(curve)} rising numbers between 0 and 1, not '{text}'")
        if depth is not None and depth not in table.columns.parameters:
            raise UserError(f"--depth {depth} is none of the parameters {', '.join(table.columns.parameters)}")
        if depth is not None and isinstance(table.points[0][depth], str):
            raise UserError(f"--depth {depth} must be a parameter of numbers, not of text")
        sign = 1.0 if table.columns.direction(table.columns.unknown[0]) == "maximize" else -1.0
        self._table, self._shares, self._sign, self._depth = table, tuple(shares), sign, depth
        self._deepest = max((point[depth] for point in table.points), default=0) if depth else 0

    def replay(self, row: int, completed: Sequence[int]) -> Replayed:
        """Climbs the rungs of a row until it is stopped or at its end.

        Args:
            row: its number.
            completed: rows that went to their end before.
        """
        finished = [self._trajectory(other) for other in completed]
        for rung, share in enumerate(self._shares):
            verdict = judge(self._standing(row, rung), finished)
            if verdict is not None:
                turned = Verdict(
                    reason=verdict.reason, estimate=self._sign * verdict.estimate, deviation=verdict.deviation
                )
                return Replayed(cost=share, verdict=turned)
        return Replayed(cost=1.0)

    def _standing(self, row: int, rung: int) -> Standing:
        readings = self._sign * self._table.curves[row, : rung + 1]
        kind, depth = self._place(row)
        return Standing(kind=kind, depth=depth, costs=self._costs(row), accuracies=tuple(map(float, readings)))

    def _trajectory(self, row: int) -> Trajectory:
        kind, depth = self._place(row)
        return Trajectory(
            kind=kind,
            depth=depth,
            costs=self._costs(row),
            accuracies=tuple(map(float, self._sign * self._table.curves[row])),
            final=self._sign * self._table.values[self._table.columns.unknown[0]][row],
        )

    def _place(self, row: int) -> tuple[str, float]:
        """The kind of training that a row stands for, by its depth and all that is text, and how deep it is."""
        point = self._table.points[row]
        kind = " ".join(str(value) for name, value in point.items() if name == self._depth or isinstance(value, str))
        depth = point[self._depth] / self._deepest if self._depth is not None and self._deepest else 0.0
        return kind, depth

    def _costs(self, row: int) -> tuple[float, ...]:
        return tuple(map(float, self._table.scaled[row, len(self._table.columns.unknown) :]))
