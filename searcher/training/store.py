"""Large arrays in the cache folder: built once, mapped into memory by any number of processes, bounded in size.

An entry is two files named by the hash of what determines its content: the bytes of the array and, written last, a
header in JSON with their shape, type and checksums (`entries`). One process builds it under a lock that the system
frees when its owner dies, whatever kills it; others wait and map the result. While a map lives, a shared lock on the
file keeps the entry from being evicted; what was used least recently goes first.

When is the checksum verified? On opening, once per process: the whole file up to `WHOLE_BYTES`. Of a larger one the
whole if its time of change or its length is not the recorded one, else `WHOLE_BYTES` of blocks drawn at random, so that
a data set of a hundred gigabytes opens in seconds, and damage that left no trace in the file's time is found in the
end. What is found altered is built anew.

Nothing here may end a run: a full disk, or a folder that cannot be written, is told once, and the caller computes.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from splitsearch.searcher.training.cache import Say, unheard
from splitsearch.searcher.training.entries import Entry, Stored, entry_name, in_use, open_entry
from splitsearch.searcher.training.writer import StoreFault, Writer

__all__ = ["DEFAULT_BYTES", "Fill", "Store"]

DEFAULT_BYTES = 20 * 10**9
"""Bound of all arrays in a cache folder unless the user names another."""

_MARGIN = 2**28
"""Bytes of the disk that are left to everybody else."""

Fill = Callable[[Writer], dict[str, Any]]
"""Appends all rows of an array, goes on after those that a killed builder left, and returns facts in plain JSON."""


class Store:
    """Arrays by the key that determines them."""

    def __init__(self, folder: Path, max_bytes: int = DEFAULT_BYTES, say: Say = unheard) -> None:
        """Opens a store without touching the disk.

        Args:
            folder: of the cache.
            max_bytes: of all arrays together.
            say: hears why something is not kept, or is built anew.
        """
        self.folder = folder
        self.max_bytes = max_bytes
        self._say = say
        self._told: set[str] = set()
        self._broken = False

    def open(self, kind: str, key: dict[str, Any]) -> Stored | None:
        """Maps an entry, or returns None where there is none that can be trusted.

        Args:
            kind: of the array: a folder.
            key: plain JSON data that determines the content.
        """
        try:
            return open_entry(self._entry(kind, key), self._tell)
        except OSError:
            return None

    def get(self, kind: str, key: dict[str, Any], promise: int, fill: Fill) -> Stored | None:
        """Maps an entry that is there, or builds it.

        Args:
            kind: of the array: a folder.
            key: plain JSON data that determines the content.
            promise: bytes that it will take, at most.
            fill: makes it; not called if the entry is there, or another process is just making it.

        Returns:
            None if it does not fit, or cannot be written: then the caller does without.
        """
        entry = self._entry(kind, key)
        found = self.open(kind, key)
        if found is not None or self._broken or promise > self.max_bytes:
            return found
        try:
            with self._alone(entry):
                found = open_entry(entry, self._tell)
                if found is None and self._make_room(entry, promise):
                    found = self._built(entry, key, promise, fill)
                return found
        except (OSError, StoreFault) as error:
            self._broken = True  # what failed for one array fails for the next
            reason = getattr(error, "strerror", None) or error
            self._tell(f"the cache in '{self.folder}' cannot be written ({reason}): computing without it")
            return None

    def fits(self, promise: int) -> bool:
        """Whether so many bytes could be kept, once everything that is not in use has made room."""
        if self._broken or promise > self.max_bytes:
            return False
        idle = {entry: self._idle(entry) for entry in self._entries()}
        freed, busy = (sum(entry.bytes for entry, free in idle.items() if free is kind) for kind in (True, False))
        return busy + promise <= self.max_bytes and self._disk_has(promise, freed)

    def _built(self, entry: Entry, key: dict[str, Any], promise: int, fill: Fill) -> Stored | None:
        with Writer(entry, promise) as writer:
            facts = fill(writer)
            writer.publish(key, facts)
        return open_entry(entry, self._tell)

    def _entry(self, kind: str, key: dict[str, Any]) -> Entry:
        return Entry(self.folder / kind / entry_name(key))

    @contextmanager
    def _alone(self, entry: Entry) -> Iterator[None]:
        """No other process builds or evicts it meanwhile."""
        entry.place.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(entry.lock)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            self._say(f"another process is making the same {entry.place.parent.name}: waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _make_room(self, wanted: Entry, promise: int) -> bool:
        """Evicts what nobody uses, the least recently used first, until the promise fits; False if it cannot."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with _lock(self.folder / "store.lock"):
            others = [entry for entry in self._entries() if entry != wanted]
            used = sum(entry.bytes for entry in others)
            for entry in sorted(others, key=lambda entry: entry.last_use):
                if used + promise <= self.max_bytes and self._disk_has(promise, wanted.bytes):
                    break
                size = entry.bytes
                if self._evicted(entry):
                    used -= size
            if used + promise > self.max_bytes:
                self._tell(f"the cache is full of what is in use ({self.max_bytes / 1e9:.3g} GB): computing the rest")
                return False
            if not self._disk_has(promise, wanted.bytes):
                self._tell(f"the disk of '{self.folder}' has no room for more cached arrays: computing the rest")
                return False
            wanted.promise(promise)
            return True

    def _evicted(self, entry: Entry) -> bool:
        return self._idle(entry, Entry.remove)

    def _idle(self, entry: Entry, then: Callable[[Entry], bool] = lambda entry: True) -> bool:
        """Does something with an entry that nobody builds or has mapped; False if somebody does."""
        try:
            with _lock(entry.lock).acquire(blocking=False):
                return not in_use(entry) and then(entry)
        except (Timeout, OSError):
            return False

    def _disk_has(self, promise: int, own: int) -> bool:
        existing = next(path for path in (self.folder, *self.folder.resolve().parents) if path.exists())
        return shutil.disk_usage(existing).free + own >= promise + _MARGIN

    def _entries(self) -> list[Entry]:
        files = [path for suffix in ("raw", "part") for path in self.folder.glob(f"*/*.{suffix}")]
        return [Entry(place) for place in sorted({path.with_suffix("") for path in files})]

    def _tell(self, text: str) -> None:
        """The same sentence once."""
        if text not in self._told:
            self._told.add(text)
            self._say(text)


def _lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False)
