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
        flips: whether an image keeps its label when it is mirrored: photographs do, digits do not. None of arrays and
            lists, since nobody knows what they show: they are mirrored if the user says so.
    """

    opener: Opener
    argument: str | None
    flips: bool | None


DATASETS: Registry[Kind] = Registry("data set")


def dataset(name: str, *, argument: str | None = None, flips: bool | None = None) -> Callable[[Opener], Opener]:
    """Returns a decorator that registers an opener under `name`; the rest as in `Kind`."""

    def add(opener: Opener) -> Opener:
        DATASETS.register(name)(Kind(opener=opener, argument=argument, flips=flips))
        return opener

    return add


def keeps_label_mirrored(spec: str, wanted: bool | None = None) -> bool:
    """Whether images of this kind may be mirrored: as the user says, else where it is known to do no harm.

    Raises:
        UserError: the kind is unknown, or its images are others when they are mirrored, and the user wants it.
    """
    name = spec.partition(":")[0]
    known = DATASETS.get(name).flips
    if wanted and known is False:
        raise UserError(f"--flips: images of '{name}' mean something else when they are mirrored")
    return bool(known) if wanted is None else wanted


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
