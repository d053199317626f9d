"""When a field of a configuration says anything: some do so only in the company of others.

The width of a compact encoder means nothing to a candidate that keeps the backbone's own head. This table is the one
source: a configuration puts such fields back to their defaults, so that equal candidates have equal keys, and a space
leaves such axes out of its counting.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PREMISES", "Given", "matters"]


@dataclass(frozen=True, slots=True)
class Given:
    """A premise: `field` matters itself and its value `holds`."""

    field: str
    holds: Callable[[Any], bool]


def _is(wanted: Any) -> Callable[[Any], bool]:
    return lambda value: bool(value == wanted)


def _above(least: float) -> Callable[[Any], bool]:
    return lambda value: bool(value > least)


_MIMIC = (Given("head", _is("mimic")),)
_COMPACT = (Given("encoder", _is("compact")),)
_PRUNED = (Given("head_pruning", _above(0)), Given("tail_pruning", _above(0)))
_EXIT = (Given("exit_cut", lambda value: value is not None),)

PREMISES: Mapping[str, tuple[Given, ...]] = {
    "encoder": _MIMIC,
    "encoder_width": _COMPACT,
    "encoder_depth": _COMPACT,
    "division_scope": (Given("division", _above(1)),),
    "head_pruning": (Given("head", _is("original")),),
    "pruning_rule": _PRUNED,
    "importance": _PRUNED,
    "pruning_multiple": _PRUNED,
    "exit_confidence": _EXIT,
    "exit_threshold": _EXIT,
    "exit_fusion": _EXIT,
}
"""Field to premises of which one must be given; a field that is not in it always matters."""


def matters(field: str, value_of: Callable[[str], Any]) -> bool:
    """Whether a field says anything.

    Args:
        field: of a SplitConfig.
        value_of: gives the value of any other field.
    """
    premises = PREMISES.get(field, ())
    return not premises or any(matters(p.field, value_of) and p.holds(value_of(p.field)) for p in premises)
