"""From what the user asked for to pixels: open, choose, decode or take from the cache, and say what was left out.

Importing this module registers every shipped kind of data set.
"""

from collections.abc import Callable
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
from splitsearch.searcher.data.choice import Choice, limited
from splitsearch.searcher.data.dataset import Dataset, Split, fingerprint
from splitsearch.searcher.data.decode import Decoded
from splitsearch.searcher.data.images import image_bytes, is_stored, pixels, stored_pixels, worth_storing
from splitsearch.searcher.data.registry import keeps_label_mirrored, open_pair
from splitsearch.searcher.data.selection import HOLD_OUT, hold_out
from splitsearch.searcher.data.source import SourcePair
from splitsearch.searcher.training.store import Store
from splitsearch.spaces.errors import UserError

__all__ = ["DEFAULT_SIZE", "MEMORY_BYTES", "Progress", "asked_size", "load_dataset", "split_of"]

DEFAULT_SIZE = 224
"""Side in pixels for files of any size: what torchvision's classifiers were trained on."""

MEMORY_BYTES = 4 * 2**30
"""Memory for decoded images that the cache does not hold."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many images are done, and how many there are."""

_PARTS = ("training images", "validation images")


def load_dataset(  # noqa: PLR0913 - the data part of the user's settings, flat
    spec: str,
    *,
    image_size: int | None,
    subset: int | None,
    seed: int,
    data_dir: Path | None,
    proxy_size: int | None = None,
    flips: bool | None = None,
    store: Store | None = None,
    max_bytes: int = MEMORY_BYTES,
    progress: Progress | None = None,
) -> Dataset:
    """Loads a data set, decoded at one size.

    Args:
        spec: `digits`, `cifar10`, `cifar100`, `imagenet`, `folder:DIR`, `npz:FILE` or `csv:DIR`.
        image_size: side in pixels; None takes the images' own where they have one (32 for digits), else 224.
        subset: how many training images to take, stratified by class; None takes all.
        seed: draws the subset. What is held out for validation does not depend on it.
        data_dir: where `cifar10`, `cifar100` and `imagenet` lie.
        proxy_size: side of smaller images to train and validate on in place of those of `image_size`.
        flips: whether views of the images may be mirrored; None for what is known of the kind of data set.
        store: keeps decoded images; they are then mapped into memory, however many they are.
        max_bytes: memory for the decoded images of both parts where the store has no room. Where they need more, the
            largest stratified choice that fits is taken, at most a quarter of it for validation.
        progress: told how far the decoding is.

    Raises:
        UserError: whatever is wrong with the request or the data, in one line.
    """
    flips = keeps_label_mirrored(spec, flips)
    pair = open_pair(spec, data_dir)
    full_size = asked_size(image_size, pair)
    size = _smaller(proxy_size, full_size)
    train, val, notes = _parts(spec, pair)
    choices = (_subset(train, subset, seed), val)
    decoded = _all_stored(choices, size, store, max_bytes, progress)
    if decoded is None:
        choices, limits = limited(*choices, size, max_bytes, seed)
        notes += limits
        decoded = _decoded(choices, size, store, progress)
    splits = [
        split_of(spec, part, *both) for part, both in zip(_PARTS, zip(choices, decoded, strict=True), strict=True)
    ]
    notes += _findings((splits[0], splits[1]), tuple(fault for part in decoded for fault in part.faults))
    return Dataset(
        name=spec,
        train=splits[0],
        val=splits[1],
        classes=pair.classes,
        image_size=size,
        fingerprint=fingerprint(splits[0], splits[1], pair.classes),
        notes=notes,
        flips=flips,
        full_size=None if size == full_size else full_size,
        full_val=None if size == full_size else _full(spec, choices[1], full_size, store, max_bytes, progress),
    )


def asked_size(image_size: int | None, pair: SourcePair) -> int:
    """The side in pixels that a user gets who asks for `image_size`, or for nothing in particular.

    Raises:
        UserError: it is below 1.
    """
    if image_size is None:
        return pair.default_size or DEFAULT_SIZE
    if image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel, not {image_size}")
    return image_size


def _smaller(proxy_size: int | None, full_size: int) -> int:
    if proxy_size is None:
        return full_size
    if not 1 <= proxy_size < full_size:
        raise UserError(
            f"--proxy-image-size {proxy_size} must be 1 to {full_size - 1}: below the image size of {full_size} pixels "
            "that costs are computed for"
        )
    return proxy_size


def _parts(spec: str, pair: SourcePair) -> tuple[Choice, Choice, tuple[str, ...]]:
    labels = pair.train.labels()
    if len(present := np.unique(labels)) < 2:
        raise UserError(f"{spec} has one class only in training ('{pair.classes[present[0]]}'), it needs at least two")
    if pair.val is not None:
        everything = Choice(pair.val, np.arange(len(pair.val)))
        return Choice(pair.train, np.arange(len(labels))), everything, pair.notes
    train, val = hold_out(labels)
    note = f"validation part held out of training: {HOLD_OUT:.0%} ({len(val):,} images)".replace("%", " %")
    return Choice(pair.train, train), Choice(pair.train, val), (*pair.notes, note)


def _subset(train: Choice, subset: int | None, seed: int) -> Choice:
    if subset is None:
        return train
    if not 1 <= subset <= len(train):
        raise UserError(f"--subset {subset} must be 1 to {len(train)}, the number of training images")
    return train.limit(subset, seed)


def _all_stored(
    choices: tuple[Choice, Choice], size: int, store: Store | None, max_bytes: int, progress: Progress | None
) -> tuple[Decoded, ...] | None:
    """More images than memory holds, mapped from the store; None where it has no room for them, or they are few."""
    if store is None or image_bytes(sum(map(len, choices)), size) <= max_bytes:
        return None
    if not all(worth_storing(choice.source, len(choice), size) for choice in choices):
        return None
    missing = [c for c in choices if not is_stored(c.source, c.positions, size, store)]
    if missing and not store.fits(image_bytes(sum(map(len, missing)), size)):
        return None
    found = [
        stored_pixels(choice.source, choice.positions, size, store, _report(part, progress))
        for part, choice in zip(_PARTS, choices, strict=True)
    ]
    decoded = tuple(part for part in found if part is not None)
    return decoded if len(decoded) == len(choices) else None


def _decoded(
    choices: tuple[Choice, Choice], size: int, store: Store | None, progress: Progress | None
) -> tuple[Decoded, ...]:
    return tuple(
        pixels(choice.source, choice.positions, size, store, _report(part, progress))
        for part, choice in zip(_PARTS, choices, strict=True)
    )


def split_of(spec: str, part: str, choice: Choice, decoded: Decoded) -> Split:
    """Decoded images with their labels.

    Raises:
        UserError: no image of the part could be read.
    """
    if len(decoded.kept) == 0:
        raise UserError(f"none of the {len(choice)} {part} of {spec} can be read ({decoded.faults[0]})")
    labels = torch.from_numpy(choice.source.labels()[decoded.kept])
    return Split(decoded.images, labels, blocks=decoded.blocks)


def _full(spec: str, val: Choice, size: int, store: Store | None, max_bytes: int, progress: Progress | None) -> Split:
    """Validation images of the size that costs are computed for: what image files of them take is measured."""
    part = f"validation images of {size} px"
    decoded = stored_pixels(val.source, val.positions, size, store, _report(part, progress))
    if decoded is None:
        val = val.limit(max(1, max_bytes // image_bytes(1, size)), 0)
        decoded = pixels(val.source, val.positions, size, None, _report(part, progress))
    return split_of(spec, part, val, decoded)


def _report(part: str, progress: Progress | None) -> Callable[[int, int], None]:
    return partial(progress, part) if progress else _silent


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
