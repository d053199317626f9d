"""What a search may optimise, and the budgets that it must keep."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from splitsearch.spaces.errors import UserError, nearest

__all__ = ["OBJECTIVES", "Budgets", "Objective", "parse_objectives"]

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One axis of the front.

    Attributes:
        name: as in front.json.
        direction: which way is better.
        unit: of its values; `1` for a ratio.
    """

    name: str
    direction: Direction
    unit: str


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective(name="accuracy", direction="maximize", unit="1"),
        Objective(name="latency_ms", direction="minimize", unit="ms"),
        Objective(name="latency_p95_ms", direction="minimize", unit="ms"),
        Objective(name="payload_bytes", direction="minimize", unit="B"),
        Objective(name="energy_mj", direction="minimize", unit="mJ"),
        Objective(name="device_macs", direction="minimize", unit="MAC"),
        Objective(name="total_macs", direction="minimize", unit="MAC"),
        Objective(name="device_parameter_bytes", direction="minimize", unit="B"),
        Objective(name="device_memory_bytes", direction="minimize", unit="B"),
    )
}


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Reads names with commas between them.

    Raises:
        UserError: an unknown or repeated name, fewer than two, or no accuracy.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in OBJECTIVES:
            raise UserError(f"unknown objective '{name}'{nearest(name, OBJECTIVES)}")
        if names.count(name) > 1:
            raise UserError(f"the objective '{name}' is named twice")
    if len(names) < 2 or "accuracy" not in names:
        raise UserError(f"--objectives needs accuracy and at least one cost, not '{text}'")
    return tuple(OBJECTIVES[name] for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Limits that a candidate must keep; None means no limit."""

    max_latency_ms: float | None = None
    max_payload_bytes: float | None = None
    max_energy_mj: float | None = None
    max_device_macs: float | None = None
    max_device_memory_bytes: float | None = None
    max_accuracy_drop: float | None = None

    def __post_init__(self) -> None:
        for name, limit in self._limits().items():
            if not math.isfinite(limit) or limit <= 0:
                raise UserError(f"--{name.replace('_', '-')} must be a positive number, not {limit:g}")
        if self.max_accuracy_drop is not None and not 0 <= self.max_accuracy_drop <= 1:
            raise UserError(f"--max-accuracy-drop must lie in 0 … 1, such as 0.02, not {self.max_accuracy_drop:g}")

    def _limits(self) -> dict[str, float]:
        """The limits on costs that are known before training."""
        names = [field.name for field in fields(self) if field.name != "max_accuracy_drop"]
        return {name: limit for name in names if (limit := getattr(self, name)) is not None}

    def violations(self, values: Mapping[str, float]) -> list[str]:
        """Which limits a candidate's known costs break, as phrases."""
        return [
            f"{cost} {values[cost]:,.6g} is above the budget of {limit:,.6g}"
            for name, limit in self._limits().items()
            if values[cost := name.removeprefix("max_")] > limit
        ]

    def excess(self, values: Mapping[str, float]) -> float:
        """How far a candidate is from keeping all limits: the sum of the relative overruns."""
        return sum(max(0.0, values[name.removeprefix("max_")] / limit - 1) for name, limit in self._limits().items())
