"""One process at a time in a run folder: a lock that dies with whoever holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from splitsearch.spaces.errors import UserError

__all__ = ["hold"]


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keeps others out of a folder, which is made if it is not there.

    Raises:
        UserError: another process is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The operating system's own lock on the open file: a kill frees it, whatever the file says.
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise UserError(
            f"another process works in '{folder}'; wait for it or name another folder with --out"
        ) from error
    try:
        yield
    finally:
        lock.release()
