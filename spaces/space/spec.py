"""What a space file says: values per axis and excluded combinations, checked as far as no backbone is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.cuts import CUT_SETS, find_cut, find_cuts
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.space.axes import AXES, Axis, accept, defaults, find_axis
from splitsearch.spaces.space.document import Document, Entry
from splitsearch.spaces.space.grid import Exclusion, SearchSpace
from splitsearch.spaces.space.rules import Condition, Rule, parse_rule

__all__ = ["SpaceSpec", "parse_space"]

_BEFORE = "before"  # exits: the block cuts up to the cut


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSpec:
    """A space file, before a backbone gives its cuts.

    Attributes:
        file: its name, for messages.
        lists: axis to the values that the file names, numbers ascending; axes that it leaves out are missing.
        rules: combinations to exclude.
    """

    file: str
    lists: Mapping[str, tuple[Entry, ...]]
    rules: tuple[Rule, ...] = ()

    def values(self, axis: str) -> tuple[Any, ...]:
        """The values of an axis, by its name in the singular; its default if the file leaves it out."""
        return tuple(entry.value for entry in self.lists[axis]) if axis in self.lists else (defaults()[axis],)

    def bind(self, backbone: str, graph: TracedGraph) -> SearchSpace:
        """Resolves the cuts on a backbone.

        Raises:
            UserError: a named cut does not exist, the backbone offers none, or the exclusions leave no candidate.
        """
        lists = {axis.name: self.values(axis.name) for axis in AXES}
        lists["cut"] = cuts = self._cuts(backbone, graph)
        exclude: list[Exclusion] = []
        if "exit_cut" in self.lists:
            lists["exit_cut"] = self._exits(graph, cuts)
            exclude += _impossible_exits(graph, cuts, lists["exit_cut"])
        exclude += [self._named(rule, graph).exclusion(lists, self.file) for rule in self.rules]
        space = SearchSpace(backbone=backbone, image_size=graph.image_size, exclude=exclude, **lists)
        if not space.size:
            raise UserError(f"{self.file}: no candidate is left: every combination is excluded")
        return space

    def _cuts(self, backbone: str, graph: TracedGraph) -> tuple[str, ...]:
        entries = self.lists["cut"]
        if (named := self.values("cut")) and named[0] in CUT_SETS and len(named) == 1:
            # After the logits nothing is left for a server to do.
            names = tuple(cut.name for cut in find_cuts(graph, named[0]) if cut.node != graph.output.name)
        else:
            names = self._resolved("cuts", entries, graph)
        if not names:
            raise UserError(f"the backbone {backbone} offers no cut")
        return names

    def _exits(self, graph: TracedGraph, cuts: Sequence[str]) -> tuple[str | None, ...]:
        """None first, then names in the order of the network."""
        latest = max(find_cut(graph, name).index for name in cuts)
        entries = self.lists["exit_cut"]
        written = [entry for entry in entries if entry.value not in (None, _BEFORE)]
        names = self._resolved("exit_cuts", written, graph)
        for entry in written:
            if (cut := find_cut(graph, entry.value)).index > latest:
                raise UserError(f"{self._at(entry)}: the exit {cut.name} lies behind every cut of the space")
        if _BEFORE in self.values("exit_cut"):
            names += tuple(cut.name for cut in find_cuts(graph, "blocks") if cut.index <= latest)
        ordered = sorted(set(names), key=lambda name: find_cut(graph, name).index)
        none = (None,) if None in self.values("exit_cut") else ()
        if not ordered and not none:
            raise UserError(f"{self._at(entries[0])}: no block ends before the cuts of the space, so there is no exit")
        return (*none, *ordered)

    def _resolved(self, key: str, entries: Sequence[Entry], graph: TracedGraph) -> tuple[str, ...]:
        """Full names of cuts, in the order of the network."""
        found: dict[str, Entry] = {}
        places: dict[str, int] = {}
        for entry in entries:
            cut = self._find(entry, graph)
            if cut.name in found:
                raise UserError(
                    f"{self._at(entry)}: {key} names '{found[cut.name].value}' and '{entry.value}', which are one cut"
                )
            found[cut.name], places[cut.name] = entry, cut.index
        return tuple(sorted(found, key=places.__getitem__))

    def _named(self, rule: Rule, graph: TracedGraph) -> Rule:
        """The rule with full names of cuts."""

        def resolved(condition: Condition) -> Condition:
            if condition.axis.kind != "cut" or condition.operand.value is None:
                return condition
            name = self._find(condition.operand, graph).name
            return replace(condition, operand=Entry(name, condition.operand.line))

        return replace(rule, terms={name: tuple(map(resolved, conditions)) for name, conditions in rule.terms.items()})

    def _find(self, entry: Entry, graph: TracedGraph) -> Any:
        try:
            return find_cut(graph, entry.value)
        except UserError as error:
            raise UserError(f"{self._at(entry)}: {error}") from error

    def _at(self, entry: Entry) -> str:
        return f"{self.file}, line {entry.line}"


def _impossible_exits(graph: TracedGraph, cuts: Sequence[str], exits: Sequence[str | None]) -> list[Exclusion]:
    """An exit reads what the device has computed: nothing behind the cut, and no layers that a mimic head replaces."""
    excluded = []
    for name in cuts:
        place = find_cut(graph, name).index
        late = [leave for leave in exits if leave is not None and find_cut(graph, leave).index > place]
        early = [leave for leave in exits if leave is not None and find_cut(graph, leave).index < place]
        if late:
            terms = {"cut": [name], "exit_cut": late}
            excluded.append(Exclusion(terms=terms, reason=f"the exit lies behind the cut {name}"))
        if early:
            terms = {"cut": [name], "exit_cut": early, "head": ["mimic"]}
            reason = f"a mimic head has no layers of the backbone where an exit could stand before the cut {name}"
            excluded.append(Exclusion(terms=terms, reason=reason))
    return excluded


def parse_space(text: str, file: str) -> SpaceSpec:
    """Reads the text of a space file.

    Raises:
        UserError: no YAML, an unknown axis or an impossible value; the message names file, line, key and value.
    """
    document = Document(text, file)
    required = [axis.plural for axis in AXES if axis.required]
    lists: dict[str, tuple[Entry, ...]] = {}
    rules: tuple[Rule, ...] = ()
    for key, node in document.mapping(document.root, f"a space must map axes ({', '.join(required)}) to lists").items():
        if key.value == "exclude":
            entries = document.items(node, "exclude must be a list of mappings from axes to values")
            rules = tuple(parse_rule(document, entry) for entry in entries)
            continue
        axis = find_axis(key.value)
        if axis is None:
            known = nearest(key.value, [*(axis.plural for axis in AXES), "exclude"])
            document.refuse(key.line, f"unknown axis '{key.value}'{known}")
        if axis.name in lists:
            document.refuse(key.line, f"the axis '{axis.plural}' stands there twice")
        lists[axis.name] = _list(document, axis, key, node)
    for axis in AXES:
        if axis.required and axis.name not in lists:
            raise UserError(f"{file} lacks the axis '{axis.plural}'")
    spec = SpaceSpec(file=file, lists=lists, rules=rules)
    _check_rules(spec)
    return spec


def _list(document: Document, axis: Axis, key: Entry, node: yaml.Node) -> tuple[Entry, ...]:
    found: list[Entry] = []
    for entry in document.scalars(node, f"{key.value} must be a value or a list of values"):
        try:
            value = accept(axis, entry.value)
        except UserError as error:
            document.refuse(entry.line, error)
        if any(value == known.value for known in found):
            document.refuse(entry.line, f"the axis '{key.value}' names {value} twice")
        found.append(Entry(value, entry.line))
    if not found:
        document.refuse(key.line, f"the axis '{key.value}' is empty")
    return tuple(sorted(found, key=lambda entry: entry.value)) if axis.kind in ("integer", "number") else tuple(found)


def _check_rules(spec: SpaceSpec) -> None:
    """Refuses rules about values that the space does not have, as far as no backbone is needed to tell."""
    values = {axis.name: spec.values(axis.name) for axis in AXES if axis.kind != "cut"}
    for rule in spec.rules:
        terms = {name: conditions for name, conditions in rule.terms.items() if name in values}
        replace(rule, terms=terms).exclusion(values, spec.file)
