"""The table of data set kinds: `digits`, `folder:DIR`, … One decorated function adds a kind.

A kind registers when its module is imported; `splitsearch.searcher.data.prepare` imports every shipped one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from splitsearch.searcher.data.source import SourcePair
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.registry import Registry

__all__ = ["DATASETS", "Kind", "Opener", "dataset", "keeps_label_mirrored", "open_pair"]

Opener = Callable[[str, Path | None], SourcePair]
"""Takes what stands after the colon and `--data-dir`, and finds the images without decoding them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of data set.

    Attributes:
        opener: finds the images; raises `UserError` for whatever is wrong with them.
        argument: what stands after the colon, such as `DIR`; None when nothing does.
        flips: whether an image keeps its label when it is mirrored: photographs do, digits and letters do not. Of
            arrays and lists nobody knows what they show, so they are not mirrored unless the user says so.
    """

    opener: Opener
    argument: str | None
    flips: bool


DATASETS: Registry[Kind] = Registry("data set")


def dataset(name: str, *, argument: str | None = None, flips: bool = False) -> Callable[[Opener], Opener]:
    """Returns a decorator that registers an opener under `name`; the rest as in `Kind`."""

    def add(opener: Opener) -> Opener:
        DATASETS.register(name)(Kind(opener=opener, argument=argument, flips=flips))
        return opener

    return add


def keeps_label_mirrored(spec: str) -> bool:
    """Whether images of this kind may be mirrored.

    Raises:
        UserError: the kind is unknown.
    """
    return DATASETS.get(spec.partition(":")[0]).flips


def open_pair(spec: str, data_dir: Path | None) -> SourcePair:
    """Opens `name` or `name:argument`.

    Raises:
        UserError: the kind is unknown, its argument is missing or one too many, or the opener refuses the data.
    """
    name, colon, argument = spec.partition(":")
    kind = DATASETS.get(name)
    if kind.argument is None and colon:
        raise UserError(f"data set '{name}' takes nothing after its name, not ':{argument}'")
    if kind.argument is not None and not argument:
        raise UserError(f"data set '{spec}' lacks what to read: write {name}:{kind.argument}")
    return kind.opener(argument, data_dir)
