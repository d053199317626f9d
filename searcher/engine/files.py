"""Files of a run that a kill cannot leave half-written."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["append_line", "read_lines", "write_atomic", "write_bytes_atomic", "write_lines"]


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Writes beside the place and moves there: readers see the old content or the new, never a part."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_atomic(path: Path, text: str) -> None:
    """Writes text as UTF-8, atomically."""
    write_bytes_atomic(path, text.encode())


def write_lines(path: Path, objects: Iterable[Any]) -> None:
    """Writes one JSON line per object, atomically."""
    write_atomic(path, "".join(f"{json.dumps(item)}\n" for item in objects))


def append_line(path: Path, item: Any) -> None:
    """Appends one JSON line and sees it on the disk."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(item)}\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[Any]:
    """Reads JSON lines; a last line that a kill cut short is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
