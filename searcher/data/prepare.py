"""From what the user asked for to pixels in memory: open, choose, decode, and say what was left out.

Importing this module registers every shipped kind of data set.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from splitsearch.searcher.data import (  # noqa: F401 - importing a kind registers it
    cifar,
    csv_table,
    digits,
    folder,
    imagenet,
    npz,
)
from splitsearch.searcher.data.dataset import Dataset, Split, fingerprint
from splitsearch.searcher.data.decode import decode
from splitsearch.searcher.data.registry import open_pair
from splitsearch.searcher.data.selection import HOLD_OUT, HOLD_OUT_SEED, hold_out, stratified
from splitsearch.searcher.data.source import ImageSource, IntArray, SourcePair
from splitsearch.spaces.errors import UserError

__all__ = ["DEFAULT_SIZE", "Progress", "load_dataset"]

DEFAULT_SIZE = 224
"""Side in pixels for files of any size: what torchvision's classifiers were trained on."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many images are done, and how many there are."""


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """Images chosen from a source: their positions in it."""

    source: ImageSource
    positions: IntArray

    def labels(self) -> IntArray:
        return self.source.labels()[self.positions]

    def limit(self, count: int, seed: int) -> "_Choice":
        """Returns a stratified choice of at most `count` of these."""
        if count >= len(self.positions):
            return self
        return replace(self, positions=self.positions[stratified(self.labels(), count, seed)])


def load_dataset(  # noqa: PLR0913 - the data part of the user's settings, flat
    spec: str,
    *,
    image_size: int | None,
    subset: int | None,
    seed: int,
    data_dir: Path | None,
    max_bytes: int = 4 * 2**30,
    progress: Progress | None = None,
) -> Dataset:
    """Loads a data set, decoded at one size.

    Args:
        spec: `digits`, `cifar10`, `cifar100`, `imagenet`, `folder:DIR`, `npz:FILE` or `csv:DIR`.
        image_size: side in pixels; None takes the images' own where they have one (32 for digits), else 224.
        subset: how many training images to take, stratified by class; None takes all.
        seed: draws the subset. What is held out for validation does not depend on it.
        data_dir: where `cifar10`, `cifar100` and `imagenet` lie.
        max_bytes: memory for the decoded images of both parts. Where they need more, the largest stratified
            choice that fits is taken, at most a quarter of it for validation.
        progress: told how far the decoding is.

    Raises:
        UserError: whatever is wrong with the request or the data, in one line.
    """
    pair = open_pair(spec, data_dir)
    size = _size(image_size, pair)
    train, val, notes = _parts(spec, pair)
    train = _subset(train, subset, seed)
    image_bytes = 3 * size * size
    n_train, n_val = _affordable(len(train.positions), len(val.positions), max_bytes // image_bytes)
    if min(n_train, n_val) < 1:
        raise UserError(f"--image-size {size}: not even two images fit into {_gib(max_bytes)}, choose a smaller one")
    notes += _limits(("training", len(train.positions), n_train), ("validation", len(val.positions), n_val), max_bytes)
    train, val = train.limit(n_train, seed), val.limit(n_val, HOLD_OUT_SEED)
    splits, faults = _decode(spec, (train, val), size, progress)
    notes += _findings(splits, faults)
    return Dataset(
        name=spec,
        train=splits[0],
        val=splits[1],
        classes=pair.classes,
        image_size=size,
        fingerprint=fingerprint(*splits, pair.classes),
        notes=notes,
    )


def _size(image_size: int | None, pair: SourcePair) -> int:
    if image_size is None:
        return pair.default_size or DEFAULT_SIZE
    if image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel, not {image_size}")
    return image_size


def _parts(spec: str, pair: SourcePair) -> tuple[_Choice, _Choice, tuple[str, ...]]:
    labels = pair.train.labels()
    if len(present := np.unique(labels)) < 2:
        raise UserError(f"{spec} has one class only in training ('{pair.classes[present[0]]}'), it needs at least two")
    if pair.val is not None:
        everything = _Choice(pair.val, np.arange(len(pair.val)))
        return _Choice(pair.train, np.arange(len(labels))), everything, pair.notes
    train, val = hold_out(labels)
    note = f"validation part held out of training: {HOLD_OUT:.0%} ({len(val):,} images)".replace("%", " %")
    return _Choice(pair.train, train), _Choice(pair.train, val), (*pair.notes, note)


def _subset(train: _Choice, subset: int | None, seed: int) -> _Choice:
    if subset is None:
        return train
    available = len(train.positions)
    if not 1 <= subset <= available:
        raise UserError(f"--subset {subset} must be 1 to {available}, the number of training images")
    return train.limit(subset, seed)


def _affordable(n_train: int, n_val: int, room: int) -> tuple[int, int]:
    """Returns how many training and validation images fit into room for `room` images."""
    if n_train + n_val <= room:
        return n_train, n_val
    n_val = min(n_val, max(room // 4, 1))
    return min(n_train, room - n_val), n_val


def _limits(train: tuple[str, int, int], val: tuple[str, int, int], max_bytes: int) -> tuple[str, ...]:
    advice = {"training": ": use --subset", "validation": ""}
    return tuple(
        f"{part} images limited to {fitting:,} of {asked:,} ({_gib(max_bytes)}){advice[part]}"
        for part, asked, fitting in (train, val)
        if fitting < asked
    )


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.3g} GiB"


def _decode(
    spec: str, choices: tuple[_Choice, _Choice], size: int, progress: Progress | None
) -> tuple[tuple[Split, Split], tuple[str, ...]]:
    splits: list[Split] = []
    faults: tuple[str, ...] = ()
    for part, choice in zip(("training images", "validation images"), choices, strict=True):
        report = partial(progress, part) if progress else _silent
        decoded = decode(choice.source, choice.positions, size, report)
        if len(decoded.kept) == 0:
            raise UserError(f"none of the {len(choice.positions)} {part} of {spec} can be read ({decoded.faults[0]})")
        splits.append(Split(decoded.images, torch.from_numpy(choice.source.labels()[decoded.kept])))
        faults += decoded.faults
    return (splits[0], splits[1]), faults


def _silent(_done: int, _total: int) -> None:
    """Stands in where nobody wants to know the progress."""


def _findings(splits: tuple[Split, Split], faults: tuple[str, ...]) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if faults:
        images = "image" if len(faults) == 1 else "images"
        notes += (f"{len(faults):,} corrupt {images} skipped (the first is {faults[0]})",)
    known, asked = (set(split.labels.tolist()) for split in splits)
    if asked - known:
        notes += (f"{len(asked - known):,} of the {len(asked):,} validation classes have no training image",)
    return notes
