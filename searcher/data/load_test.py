"""The test part of a data set, which no search and no training ever reads: it is for the last word on a result."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from splitsearch.searcher.data.choice import Choice
from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.data.images import image_bytes, pixels, stored_pixels
from splitsearch.searcher.data.prepare import MEMORY_BYTES, Progress, asked_size, split_of
from splitsearch.searcher.data.registry import open_pair
from splitsearch.searcher.training.cache import unheard
from splitsearch.searcher.training.store import Store
from splitsearch.spaces.errors import UserError

__all__ = ["has_test", "load_test"]

PART = "test images"
REMEDY = "npz:FILE takes test_images and test_labels, csv:DIR a test.csv, folder:DIR a folder test/<class>"


def has_test(spec: str, data_dir: Path | None = None) -> bool:
    """Whether a data set has a test part.

    Raises:
        UserError: the data set itself cannot be opened.
    """
    return open_pair(spec, data_dir).test is not None


def load_test(
    spec: str,
    *,
    image_size: int | None = None,
    data_dir: Path | None = None,
    store: Store | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = unheard,
) -> Split:
    """Decodes the test part at one size; labels are those of the classes of the training part.

    Args:
        spec: as for `load_dataset`.
        image_size: side in pixels; None as for `load_dataset`.
        data_dir: where `cifar10`, `cifar100` and `imagenet` lie.
        store: keeps decoded images.
        progress: told how far the decoding is.
        say: hears what was skipped.

    Raises:
        UserError: there is no test part, it does not fit into memory, or something is wrong with it.
    """
    pair = open_pair(spec, data_dir)
    if pair.test is None:
        raise UserError(f"{spec} has no test part ({REMEDY}); its validation part is what the search selected on")
    size = asked_size(image_size, pair)
    source = pair.test()
    if int(source.labels().max()) >= len(pair.classes):
        raise UserError(f"the test part of {spec} has label {source.labels().max()}, but classes 0 to "
                        f"{len(pair.classes) - 1}")  # fmt: skip
    choice = Choice(source, np.arange(len(source)))
    report = partial(progress, PART) if progress else _silent
    decoded = stored_pixels(source, choice.positions, size, store, report)
    if decoded is None:
        if (needed := image_bytes(len(choice), size)) > MEMORY_BYTES:
            raise UserError(
                f"the {len(choice):,} test images of {spec} at {size} px need {needed / 1e9:.3g} GB, and "
                " the cache has no room for them: give it more with --cache-gb"
            )
        decoded = pixels(source, choice.positions, size, None, report)
    if decoded.faults:
        say(f"{len(decoded.faults):,} corrupt test images skipped (the first is {decoded.faults[0]})")
    return split_of(spec, PART, choice, decoded)


def _silent(_done: int, _total: int) -> None:
    """Stands in where nobody wants to know the progress."""
