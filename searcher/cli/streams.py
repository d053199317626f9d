"""Who may write to stdout: results alone. Whatever libraries and users' own code print goes to stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

__all__ = ["results_only"]


@contextmanager
def results_only() -> Iterator[None]:
    """Sends what the work inside prints to stderr, so that `--json` leaves one document on stdout.

    torch announces downloads on stdout, and a backbone of the user's may print anything at any time.
    """
    with redirect_stdout(sys.stderr):
        yield
