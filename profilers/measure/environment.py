"""Whether a measurement can be trusted: what the machine said of itself, and whether its two halves agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from splitsearch.profilers.devices.measured import Environment, PowerState
from splitsearch.profilers.measure.series import Sample, difference, is_disturbed

__all__ = ["Visits", "environment_of", "power_state_of", "throttled"]

TOLERANCE = 0.05
"""How far two halves may lie apart, and the share of heads and tails that may lie farther."""

_BUSY = 1.05  # wall over own time
_DISTURBED = 0.3

Visits = Mapping[int, Sequence[Sample]]
"""Round to its samples of one network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Halves:
    off: float
    percent: float


def environment_of(visits: Mapping[str, Visits], readings: Sequence[Mapping[str, Any]]) -> Environment:
    """Judges a measurement.

    Args:
        visits: network to its visits.
        readings: what the machine said, in order of time.
    """
    samples = [sample for rounds in visits.values() for taken in rounds.values() for sample in taken]
    ratios = [wall / own for wall, own in samples if own]
    busy = float(np.median(ratios)) if ratios else None
    disturbed = float(np.mean([is_disturbed(sample) for sample in samples]))
    halves = _halves(visits)
    reasons = tuple(_reasons(busy, disturbed, halves, readings))
    loads = readings[0]["load"], readings[-1]["load"]
    return Environment(
        load_averages=None if None in loads else loads,
        wall_over_cpu=busy,
        disturbed=disturbed,
        halves_off=halves.off,
        halves_percent=halves.percent,
        ok=not reasons,
        reasons=reasons,
    )


def _halves(visits: Mapping[str, Visits]) -> _Halves:
    """Even against odd rounds, network by network; one that was visited once has no halves and counts as off."""
    found = []
    for rounds in visits.values():
        even, odd = ([s for number in rounds if number % 2 == half for s in rounds[number]] for half in (0, 1))
        found.append(difference(even, odd) if even and odd else np.inf)
    finite = [value for value in found if np.isfinite(value)]
    return _Halves(
        off=float(np.mean([value > TOLERANCE for value in found])),
        percent=100 * float(np.mean(finite)) if finite else 100.0,
    )


def _reasons(busy: float | None, disturbed: float, halves: _Halves, readings: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    if halves.off > TOLERANCE:
        found.append(
            f"even and odd rounds differ by more than {TOLERANCE:.0%} on {halves.off:.0%} of the heads and tails: "
            "measure again on an idle machine, or with --thorough"
        )
    if (busy is not None and busy > _BUSY) or disturbed > _DISTURBED:
        share = f"the network had to wait for the processor in {disturbed:.0%} of its runs"
        found.append(f"other programs were running ({share}): end them and measure again")
    if throttled(readings):
        found.append("the machine throttled: cool it, or choose a lower power mode, and measure again")
    return found


def throttled(readings: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether a state of throttling held at any reading, or a count of such events grew; None if nothing tells."""
    told = [reading["throttling"] for reading in readings if reading.get("throttling")]
    if not told:
        return None
    held = any(value > 0 for reading in told for name, value in reading.items() if name.startswith("state"))
    first, last = told[0], told[-1]
    return held or any(value > first.get(name, value) for name, value in last.items() if name.startswith("count"))


def power_state_of(readings: Sequence[Mapping[str, Any]]) -> PowerState:
    """Mode and clocks as they were read back at the end, temperatures of both ends."""
    first, last = readings[0], readings[-1]
    degrees = first["temperature_c"], last["temperature_c"]
    return PowerState(
        mode=last["mode"],
        governor=last["governor"],
        clocks_mhz=last["clocks_mhz"],
        temperature_c=None if None in degrees else degrees,
        throttled=throttled(readings),
    )
