"""Decoded images from the cache: a second run on the same data decodes nothing and starts at once.

What an entry is found by: each file's path inside the data set, its length and its time of change (of arrays: the
pixels), the size in pixels, and the versions of what decodes and resizes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import PIL
from PIL import features

from splitsearch.searcher.data.decode import Decoded, batches, decode
from splitsearch.searcher.data.source import ImageSource, IntArray
from splitsearch.searcher.training.entries import Stored
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.writer import Writer

__all__ = ["image_bytes", "is_stored", "pixels", "stored_pixels", "worth_storing"]

VERSION = 1
"""Of resizing and decoding here; whoever changes either counts it up."""

KIND = "images"
SMALL_BYTES = 2**26
"""Arrays that need resizing alone, and give less than this, are resized again each time."""

MARK_EVERY = 8
"""Batches between two marks that a killed decoding goes on from."""


def image_bytes(count: int, size: int) -> int:
    """Bytes of so many decoded images of a side of `size` pixels."""
    return 3 * size * size * count


def worth_storing(source: ImageSource, count: int, size: int) -> bool:
    """Whether decoding so many images costs more than a file does."""
    if not source.in_memory:
        return True
    return source.native_size != size and image_bytes(count, size) >= SMALL_BYTES


def is_stored(source: ImageSource, chosen: IntArray, size: int, store: Store) -> bool:
    """Whether the chosen images lie in the store already."""
    return worth_storing(source, len(chosen), size) and store.open(KIND, _key(source, chosen, size)) is not None


def pixels(
    source: ImageSource, chosen: IntArray, size: int, store: Store | None, report: Callable[[int, int], None]
) -> Decoded:
    """The chosen images, from the store where they are worth it and it has room, else decoded into memory.

    Args:
        source: where they come from.
        chosen: positions in it, int64 (N,).
        size: side in pixels.
        store: None decodes into memory.
        report: called with (done, N) while decoding.
    """
    found = stored_pixels(source, chosen, size, store, report)
    return decode(source, chosen, size, report) if found is None else found


def stored_pixels(
    source: ImageSource, chosen: IntArray, size: int, store: Store | None, report: Callable[[int, int], None]
) -> Decoded | None:
    """The same, or None where the store has no room for them or would not pay."""
    if store is None or not worth_storing(source, len(chosen), size):
        return None
    promise = image_bytes(len(chosen), size)
    found = store.get(
        KIND, _key(source, chosen, size), promise, lambda writer: _fill(writer, source, chosen, size, report)
    )
    return None if found is None else _decoded(found, chosen)


def _decoded(found: Stored, chosen: IntArray) -> Decoded:
    return Decoded(
        found.tensor, np.delete(chosen, found.facts["dropped"]), tuple(found.facts["faults"]), blocks=found.blocks
    )


def _fill(
    writer: Writer, source: ImageSource, chosen: IntArray, size: int, report: Callable[[int, int], None]
) -> dict[str, Any]:
    """Decodes what is missing; each mark holds everything that is to know at that point."""
    known: dict[str, Any] = writer.marks[-1] if writer.marks else {"done": 0, "dropped": [], "faults": []}
    done, dropped, faults = known["done"], list(known["dropped"]), list(known["faults"])
    if done:
        report(done, len(chosen))
    for number, batch in enumerate(batches(source, chosen, size, done), start=1):
        dropped += batch.dropped
        faults += batch.faults
        mark = {"done": batch.done, "dropped": dropped, "faults": faults}
        writer.append(batch.images, mark=mark if number % MARK_EVERY == 0 else None)
        report(batch.done, len(chosen))
    return {"dropped": dropped, "faults": faults}


def _key(source: ImageSource, chosen: IntArray, size: int) -> dict[str, Any]:
    libraries = [features.version(name) for name in ("jpg", "libjpeg_turbo", "zlib", "webp", "libtiff")]
    return {
        "version": VERSION,
        "images": source.identity(chosen),
        "size": size,
        "pillow": [PIL.__version__, *libraries],
    }
