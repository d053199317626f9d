"""One entry of the store on the disk: its files, its header, and opening it without trusting it.

`NAME.raw` is the array in the order of its elements, in the byte order of the machine. `NAME.json` describes it; each
byte of it counts, its own checksum among them. `NAME.part` and `NAME.journal` belong to an entry that is being built,
`NAME.lock` to whoever builds or evicts it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from splitsearch.searcher.training.blocks import BLOCK_BYTES, Bytes, first_difference
from splitsearch.searcher.training.cache import Say, replace_file

__all__ = ["SCHEMA", "WHOLE_BYTES", "Entry", "Stored", "dtype_name", "entry_name", "in_use", "open_entry"]

SCHEMA = 1
WHOLE_BYTES = 2**30
"""A file up to this length is verified whole whenever a process opens it first; of a larger one, so much of it."""

_VERIFIED: set[tuple[str, int, int, int]] = set()  # path, inode, length and time of what this process has verified


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stored:
    """An array of the store, mapped into memory.

    Attributes:
        tensor: read only: writing to it ends the process. As long as it lives, the entry is not evicted.
        blocks: SHA-256 of each block of its bytes.
        facts: what its builder returned, plain JSON.
    """

    tensor: torch.Tensor
    blocks: tuple[str, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry lies: the path of its files without their suffix."""

    place: Path

    @property
    def raw(self) -> Path:
        """The bytes."""
        return self.place.with_suffix(".raw")

    @property
    def header(self) -> Path:
        """What makes them an array; its time of change is that of the last use."""
        return self.place.with_suffix(".json")

    @property
    def part(self) -> Path:
        """The bytes so far, of an entry that is being built."""
        return self.place.with_suffix(".part")

    @property
    def journal(self) -> Path:
        """How far its builder came."""
        return self.place.with_suffix(".journal")

    @property
    def lock(self) -> Path:
        """Held by whoever builds or evicts it."""
        return self.place.with_suffix(".lock")

    @property
    def last_use(self) -> float:
        """Seconds since the epoch."""
        return max((_stat(path, "st_mtime") for path in (self.header, self.raw, self.part)), default=0.0)

    @property
    def bytes(self) -> int:
        """What it takes on the disk, or will have taken when it is built."""
        return int(_stat(self.raw, "st_size") + max(_stat(self.part, "st_size"), self._promised))

    @property
    def _promised(self) -> int:
        try:
            with self.journal.open(encoding="utf-8") as lines:
                return int(json.loads(lines.readline())["promise"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def promise(self, length: int) -> None:
        """Counts so many bytes as taken before they are; a journal that is there has done so.

        Raises:
            OSError: the folder cannot be written.
        """
        if not self.journal.exists():
            self.journal.write_text(f"{json.dumps({'promise': length})}\n", encoding="utf-8")
            self.part.touch()

    def remove(self) -> bool:
        """Deletes it, the header first, so that no half of it is an entry. Maps of it stay what they are."""
        for path in (self.header, self.raw, self.part, self.journal):
            path.unlink(missing_ok=True)
        return True


def entry_name(key: dict[str, Any]) -> str:
    """The name of an entry: a hash of its key and of the layout of the files."""
    text = json.dumps({"schema": SCHEMA, "byteorder": sys.byteorder, "key": key}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def dtype_name(dtype: torch.dtype) -> str:
    """`float16` for torch.float16."""
    return str(dtype).removeprefix("torch.")


def header_text(document: dict[str, Any]) -> str:
    """A header with its own checksum; there is one way only to write it, so that no altered byte goes unnoticed."""
    body = json.dumps(document, sort_keys=True)
    return json.dumps(document | {"checksum": hashlib.sha256(body.encode()).hexdigest()}, sort_keys=True)


def write_header(entry: Entry, document: dict[str, Any]) -> None:
    """Makes an entry of the bytes that are there.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(entry.header, header_text(document).encode())


def in_use(entry: Entry) -> bool:
    """Whether a process has it mapped: each map keeps a shared lock, which the system frees when the map goes."""
    try:
        with entry.raw.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def open_entry(entry: Entry, say: Say) -> Stored | None:
    """Maps an entry after checking it; None if there is none, or none that can be trusted, which is told.

    Raises:
        OSError: the disk fails.
    """
    if not entry.header.exists():
        return None
    try:
        document = _read_header(entry)
        with entry.raw.open("rb") as file:
            # The map duplicates the descriptor, and with it the lock: it lasts as long as the map.
            fcntl.flock(file, fcntl.LOCK_SH)
            data = _mapped(file, document["bytes"])
        _verify(entry, data, document)
        tensor = _tensor(data, document)
    except FileNotFoundError:
        return None  # evicted or deleted between two looks
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        say(f"a cached array in '{entry.raw.parent}' was altered or cut short ({error}): it is made anew")
        return None
    with contextlib.suppress(OSError):  # a cache that may only be read has no order of use
        os.utime(entry.header)
    return Stored(tensor=tensor, blocks=tuple(document["blocks"]), facts=document["facts"])


def _read_header(entry: Entry) -> dict[str, Any]:
    text = entry.header.read_bytes()
    document = json.loads(text)
    if not isinstance(document, dict) or document.pop("checksum", None) is None:
        raise ValueError("its header has no checksum")
    if header_text(document).encode() != text:
        raise ValueError("the checksum of its header differs")
    return document


def _mapped(file: BinaryIO, length: int) -> Bytes:
    found = os.fstat(file.fileno()).st_size
    if found != length:
        raise ValueError(f"{found} bytes in place of {length}")
    if length == 0:  # nothing can be mapped, and nothing needs to be
        return np.empty(0, dtype=np.uint8)
    return np.memmap(file, dtype=np.uint8, mode="r", shape=(length,))


def _verify(entry: Entry, data: Bytes, document: dict[str, Any]) -> None:
    state = entry.raw.stat()
    seen = (str(entry.raw), state.st_ino, state.st_size, state.st_mtime_ns)
    if seen in _VERIFIED:
        return
    untouched = state.st_mtime_ns == document["changed_ns"]
    sample = WHOLE_BYTES // BLOCK_BYTES if untouched and len(data) > WHOLE_BYTES else None
    bad = first_difference(data, document["blocks"], sample)
    if bad is not None:
        raise ValueError(f"the checksum of its block {bad} differs")
    if not untouched:  # copied, or touched: the next process need not read all of it again
        with contextlib.suppress(OSError):
            os.utime(entry.raw, ns=(document["changed_ns"], document["changed_ns"]))
            seen = (*seen[:3], document["changed_ns"])
    _VERIFIED.add(seen)


def _tensor(data: Bytes, document: dict[str, Any]) -> torch.Tensor:
    shape, dtype = tuple(document["shape"]), getattr(torch, document["dtype"])
    if len(data) == 0:
        return torch.empty(shape, dtype=dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ", category=UserWarning)
        flat = torch.from_numpy(data)
    return flat.view(dtype).reshape(shape)


def _stat(path: Path, name: str) -> float:
    try:
        return float(getattr(path.stat(), name))
    except OSError:
        return 0.0
