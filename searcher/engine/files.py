"""Files of a run that a kill cannot leave half-written."""

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["append_line", "read_lines", "write_atomic", "write_bytes_atomic", "write_lines"]


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Writes beside the place and moves there: readers see the old content or the new, never a part."""
    # No mkstemp: its files are the owner's alone, and a front is read by others, as the user's umask allows.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # an interrupt may come after the move
        raise


def write_atomic(path: Path, text: str) -> None:
    """Writes text as UTF-8, atomically."""
    write_bytes_atomic(path, text.encode())


def write_lines(path: Path, objects: Iterable[Any]) -> None:
    """Writes one JSON line per object, atomically."""
    write_atomic(path, "".join(f"{json.dumps(item)}\n" for item in objects))


def append_line(path: Path, item: Any) -> None:
    """Appends one JSON line and sees it on the disk; a line that a kill cut short makes room for it."""
    with path.open("ab+") as file:
        file.truncate(_end_of_lines(file))
        file.write(f"{json.dumps(item)}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[Any]:
    """Reads JSON lines; a last line that a kill cut short is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _end_of_lines(file: BinaryIO) -> int:
    """Position after the last whole line; only the last byte is read unless a line was cut short."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return 0
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return end
    file.seek(0)
    return file.read().rfind(b"\n") + 1
