"""The `exclude` list of a space file: combinations that nobody wants to train, as values and comparisons.

    exclude:
      - {head: mimic, channels: ">12"}          # both must hold
      - {bits: [1, 2], coding: none}            # any of the listed ones
      - {exit_cut: "!=null", division: ">= 4"}

An axis that does not matter to a candidate has no value, so no entry about it holds.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.space.axes import AXES, Axis, accept, find_axis
from splitsearch.spaces.space.document import Document, Entry
from splitsearch.spaces.space.grid import Exclusion

__all__ = ["Condition", "Rule", "parse_rule"]

_SIGN = re.compile(r"(<=|>=|!=|<|>)\s*(\S.*)")
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A value of an axis, compared with one of the file."""

    axis: Axis
    sign: str
    operand: Entry

    def matching(self, values: Sequence[Any]) -> list[Any]:
        """Those of the axis' values for which it holds.

        Raises:
            UserError: it names a value that the axis does not have, so that it would never or always hold.
        """
        wanted = self.operand.value
        if self.sign in ("=", "!=") and wanted not in values:
            known = nearest(str(wanted), map(str, values))
            raise UserError(f"exclude names the {self.axis.name} {wanted!r}, which the space does not have{known}")
        return [value for value in values if _HOLDS[self.sign](value, wanted)]

    def __str__(self) -> str:
        return f"{self.axis.name} {'' if self.sign == '=' else self.sign}{self.operand.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the list: every axis that it names must hold one of its conditions."""

    terms: Mapping[str, tuple[Condition, ...]]
    line: int

    def exclusion(self, values: Mapping[str, Sequence[Any]], file: str) -> Exclusion:
        """The combinations that it excludes among the values of a space.

        Raises:
            UserError: it names a value that its axis does not have.
        """
        terms: dict[str, list[Any]] = {}
        for name, conditions in self.terms.items():
            for condition in conditions:
                try:
                    terms.setdefault(name, []).extend(condition.matching(values[name]))
                except UserError as error:
                    raise UserError(f"{file}, line {condition.operand.line}: {error}") from error
        return Exclusion(terms=terms, reason=f"excluded by {file}, line {self.line}: {self}")

    def __str__(self) -> str:
        return " and ".join(" or ".join(map(str, conditions)) for conditions in self.terms.values())


def parse_rule(document: Document, node: yaml.Node) -> Rule:
    """Reads one entry of the list.

    Raises:
        UserError: it is no mapping of axes to possible values.
    """
    terms: dict[str, tuple[Condition, ...]] = {}
    line = node.start_mark.line + 1
    for key, value in document.mapping(node, "exclude must be a list of mappings from axes to values").items():
        axis = find_axis(key.value)
        if axis is None:
            known = nearest(key.value, [axis.name for axis in AXES])
            document.refuse(key.line, f"exclude names the unknown axis '{key.value}'{known}")
        if axis.name in terms:
            document.refuse(key.line, f"exclude names the axis '{axis.name}' twice in one entry")
        entries = document.scalars(value, f"exclude compares {axis.name} with a value or a list of values")
        if not entries:
            document.refuse(key.line, f"exclude compares {axis.name} with nothing")
        terms[axis.name] = tuple(_condition(document, axis, entry) for entry in entries)
    if not terms:
        document.refuse(line, "an entry of exclude must name at least one axis")
    return Rule(terms=terms, line=line)


def _condition(document: Document, axis: Axis, entry: Entry) -> Condition:
    match = _SIGN.fullmatch(entry.value) if isinstance(entry.value, str) else None
    try:
        if match is None:
            return Condition(axis=axis, sign="=", operand=Entry(accept(axis, entry.value), entry.line))
        operand = _operand(axis, match[1], match[2].strip())
    except UserError as error:
        hint = ' (comparisons stand in quotes, such as ">4")' if entry.value == "" else ""
        document.refuse(entry.line, f"exclude: {error}{hint}")
    return Condition(axis=axis, sign=match[1], operand=Entry(operand, entry.line))


def _operand(axis: Axis, sign: str, text: str) -> Any:
    if axis.kind in ("integer", "number"):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UserError(f"{axis.name} is compared with a number, not {text!r}")
        return int(number) if number.is_integer() and axis.kind == "integer" else number
    if sign != "!=":
        raise UserError(f"{axis.name} has no order, so that '{sign}{text}' says nothing: name its values, or use '!='")
    return accept(axis, None if text in ("null", "~") else text)
