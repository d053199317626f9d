"""The search space: a flat grid of integers over ordered lists, enumerable, with every point a SplitConfig.

Integers and not categories, and no conditions: samplers that model distances stay usable, pools can be enumerated, and
the dashboard's plots stay readable (docs/adr/0003).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import yaml

from splitsearch.spaces.config import BITS, HEADS, HeadKind, SplitConfig
from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.graph.cuts import CUT_SETS, CutSet, find_cut, find_cuts
from splitsearch.spaces.graph.trace import TracedGraph

__all__ = ["SearchSpace", "SpaceSpec", "Suggester", "find_space", "read_space"]

AXES = ("cuts", "heads", "channels", "bits")


class Suggester(Protocol):
    """What an axis needs of a trial; a dict can stand in for it."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Returns an integer between low and high, both included."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSpec:
    """What a space file says, before a backbone gives its cuts.

    Attributes:
        cuts: `stages`, `blocks`, `all`, or names of cuts.
        heads: head kinds.
        channels: bottleneck channels, ascending.
        bits: bits per element, ascending.
    """

    cuts: CutSet | tuple[str, ...]
    heads: tuple[HeadKind, ...]
    channels: tuple[int, ...]
    bits: tuple[int, ...]

    def bind(self, backbone: str, graph: TracedGraph) -> "SearchSpace":
        """Resolves the cuts on a backbone.

        Raises:
            UserError: a named cut does not exist, or the backbone offers none.
        """
        if isinstance(self.cuts, str):
            names = tuple(cut.name for cut in find_cuts(graph, self.cuts))
        else:
            names = tuple(find_cut(graph, name).name for name in self.cuts)
        if not names:
            raise UserError(f"the backbone {backbone} offers no cut")
        return SearchSpace(
            backbone=backbone,
            image_size=graph.image_size,
            cuts=names,
            heads=self.heads,
            channels=self.channels,
            bits=self.bits,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Ordered lists, one per axis; a point is one index into each."""

    backbone: str
    image_size: int
    cuts: tuple[str, ...]
    heads: tuple[HeadKind, ...]
    channels: tuple[int, ...]
    bits: tuple[int, ...]

    @property
    def axes(self) -> dict[str, Sequence[Any]]:
        """Axis name to its ordered values."""
        return {"cut": self.cuts, "head": self.heads, "channels": self.channels, "bits": self.bits}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Axis name to its first and last index."""
        return {name: (0, len(values) - 1) for name, values in self.axes.items()}

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.axes.values())

    def __iter__(self) -> Iterator[SplitConfig]:
        for cut, head, channels, bits in product(*self.axes.values()):
            yield self._config(cut=cut, head=head, channels=channels, bits=bits)

    def at(self, point: Mapping[str, int]) -> SplitConfig:
        """The candidate at an index per axis."""
        return self._config(**{name: values[point[name]] for name, values in self.axes.items()})

    def point(self, config: SplitConfig) -> dict[str, int]:
        """The index per axis of a candidate of this space."""
        return {name: values.index(getattr(config, name)) for name, values in self.axes.items()}

    def suggest(self, trial: Suggester) -> SplitConfig:
        """Asks a trial for one index per axis."""
        return self.at({name: trial.suggest_int(name, *bounds) for name, bounds in self.ranges.items()})

    def _config(self, **values: Any) -> SplitConfig:
        return SplitConfig(backbone=self.backbone, image_size=self.image_size, **values)


def find_space(name_or_path: str) -> Path:
    """An existing file, else a shipped space by name.

    Raises:
        UserError: neither; the message names the nearest.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = {Path(str(entry)).stem: Path(str(entry)) for entry in files("splitsearch.configs.search").iterdir()}
    known = sorted(name for name, file in shipped.items() if file.suffix == ".yaml")
    if (name := name_or_path.removesuffix(".yaml")) not in known:
        raise UserError(f"the space '{name_or_path}' is neither a file nor a shipped name{nearest(name, known)}")
    return shipped[name]


def read_space(path: Path) -> SpaceSpec:
    """Reads a space file.

    Raises:
        UserError: no such file, no YAML, an unknown axis or an impossible value; the message names it.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the space '{path}': {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path.name} must map axes ({', '.join(AXES)}) to lists")
    for name in data:
        if name not in AXES:
            raise UserError(f"{path.name}: unknown axis '{name}'{nearest(str(name), AXES)}")
    missing = [name for name in AXES if name not in data]
    if missing:
        raise UserError(f"{path.name} lacks the axis '{missing[0]}'")
    return SpaceSpec(
        cuts=_cuts(path.name, data["cuts"]),
        heads=_members(path.name, "heads", data["heads"], HEADS),
        channels=_channels(path.name, data["channels"]),
        bits=tuple(sorted(_members(path.name, "bits", data["bits"], BITS))),
    )


def _values(file: str, axis: str, value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise UserError(f"{file}: the axis '{axis}' is empty")
    for item in values:
        if values.count(item) > 1:
            raise UserError(f"{file}: the axis '{axis}' names {item} twice")
    return values


def _members(file: str, axis: str, value: Any, legal: Sequence[Any]) -> tuple[Any, ...]:
    for item in (values := _values(file, axis, value)):
        if item not in legal or isinstance(item, bool):
            raise UserError(f"{file}: {axis} holds {item!r}, must be among {', '.join(map(str, legal))}")
    return tuple(values)


def _channels(file: str, value: Any) -> tuple[int, ...]:
    for item in (values := _values(file, "channels", value)):
        if not isinstance(item, int) or isinstance(item, bool) or item < 1:
            raise UserError(f"{file}: channels holds {item!r}, must be integers of at least 1")
    return tuple(sorted(values))


def _cuts(file: str, value: Any) -> Any:
    if isinstance(value, str) and value in CUT_SETS:
        return value
    names = _values(file, "cuts", value)
    if not all(isinstance(name, str) for name in names):
        raise UserError(f"{file}: cuts must be {', '.join(CUT_SETS)} or a list of names")
    return tuple(names)
