"""Writes an entry of the store row by row, by ordinary writes: a full disk is an error, where a map would be a signal.

A builder that marks how far it came is gone on with after a kill: the journal holds the checksum of what lay between
two marks, and what does not agree is written again.
"""

import contextlib
import hashlib
import json
import math
import os
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import torch

from splitsearch.searcher.training.blocks import BLOCK_BYTES, Bytes, StreamedBlocks, as_bytes
from splitsearch.searcher.training.entries import Entry, dtype_name, write_header

__all__ = ["StoreFault", "Writer"]


class StoreFault(Exception):
    """An array cannot be kept; the message is the reason. Nobody above the store hears of it."""


class Writer:
    """The array of one entry while it grows; a context that leaves nothing half-done behind.

    Attributes:
        rows: that are there, also from a builder that was killed.
        marks: what `append` was given to remember, oldest first.
    """

    def __init__(self, entry: Entry, promise: int) -> None:
        self.rows = 0
        self.marks: list[Any] = []
        self._entry = entry
        self._promise = promise
        self._shape: tuple[int, ...] = ()
        self._dtype: torch.dtype | None = None
        self._blocks = StreamedBlocks()
        self._since_mark = hashlib.sha256()
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Writer":
        try:
            lines = self._lines()
            self._file = self._entry.part.open("r+b" if lines and self._entry.part.exists() else "w+b")
            self._resume(lines)
            kept = [{"promise": self._promise}, *lines[: len(self.marks)]]
            self._entry.journal.write_text("".join(f"{json.dumps(line)}\n" for line in kept), encoding="utf-8")
        except OSError as error:
            self._close()
            raise StoreFault(_reason(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()
        if isinstance(error, StoreFault) or (error is not None and not self.marks):
            with contextlib.suppress(OSError):
                self._entry.part.unlink(missing_ok=True)
                self._entry.journal.unlink(missing_ok=True)

    def append(self, rows: torch.Tensor, mark: Any = None) -> None:
        """Writes rows (n, *shape); all of an array have one shape and type.

        Args:
            rows: the next ones.
            mark: plain JSON; a builder after a kill finds the rows up to here, and the mark in `marks`.

        Raises:
            StoreFault: they cannot be written.
            ValueError: they are of another shape or type.
        """
        if self._dtype is None:
            self._shape, self._dtype = tuple(rows.shape[1:]), rows.dtype
        if (tuple(rows.shape[1:]), rows.dtype) != (self._shape, self._dtype):
            raise ValueError(f"rows must be {self._shape} {self._dtype}, not {tuple(rows.shape[1:])} {rows.dtype}")
        assert self._file is not None, "a writer is entered before it is written to"
        data = as_bytes(rows)
        try:
            self._file.write(data.data)
            self._take(data)
            self.rows += len(rows)
            if mark is not None:
                self._mark(mark)
        except OSError as error:
            raise StoreFault(_reason(error)) from error

    def publish(self, key: dict[str, Any], facts: dict[str, Any]) -> None:
        """Makes an entry of what was appended.

        Raises:
            StoreFault: it cannot be written.
        """
        assert self._file is not None
        assert self._dtype is not None, "an array without rows has no type"
        try:
            self._file.flush()
            state = os.fstat(self._file.fileno())
            self._close()
            os.replace(self._entry.part, self._entry.raw)
            write_header(
                self._entry,
                {
                    "key": key,
                    "shape": [self.rows, *self._shape],
                    "dtype": dtype_name(self._dtype),
                    "bytes": state.st_size,
                    "changed_ns": state.st_mtime_ns,
                    "block_bytes": BLOCK_BYTES,
                    "blocks": self._blocks.finish(),
                    "facts": facts,
                },
            )
            self._entry.journal.unlink(missing_ok=True)
        except OSError as error:
            raise StoreFault(_reason(error)) from error

    def _mark(self, mark: Any) -> None:
        assert self._file is not None
        self._file.flush()
        line = {
            "rows": self.rows,
            "shape": self._shape,
            "dtype": dtype_name(self._dtype) if self._dtype else None,
            "sha256": self._since_mark.hexdigest(),
            "mark": mark,
        }
        with self._entry.journal.open("a", encoding="utf-8") as journal:
            journal.write(f"{json.dumps(line)}\n")
        self._since_mark = hashlib.sha256()
        self.marks.append(mark)

    def _take(self, data: Bytes) -> None:
        self._blocks.update(data)
        self._since_mark.update(data.data)

    def _lines(self) -> list[Any]:
        """The marks of a builder before this one; a line that a kill cut short ends them."""
        found: list[Any] = []
        try:
            for line in self._entry.journal.read_text(encoding="utf-8").splitlines()[1:]:
                found.append(json.loads(line))
        except (OSError, ValueError):
            pass
        return found

    def _resume(self, lines: list[Any]) -> None:
        """Takes over what the marks vouch for, and cuts off the rest."""
        assert self._file is not None
        kept = 0
        for line in lines:
            try:
                shape, dtype, rows = tuple(line["shape"]), getattr(torch, line["dtype"]), int(line["rows"])
                length = (rows - self.rows) * math.prod(shape) * dtype.itemsize
                data = np.frombuffer(self._file.read(length), dtype=np.uint8)
            except (KeyError, TypeError, ValueError, AttributeError):
                break
            if len(data) != length or hashlib.sha256(data.data).hexdigest() != line["sha256"]:
                break
            self._shape, self._dtype, self.rows = shape, dtype, rows
            self._blocks.update(data)
            self.marks.append(line["mark"])
            kept += length
        self._file.seek(kept)
        self._file.truncate()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # what a full disk left in the buffer
                file.close()


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
