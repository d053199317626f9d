"""What commands show that take a while and have no run folder: sentences and a bar, on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from splitsearch.searcher.cli.steps import steps
from splitsearch.searcher.reporter import Reporter

__all__ = ["speaker"]


@contextmanager
def speaker() -> Iterator[Reporter]:
    """Yields a reporter for work outside a run."""
    with steps() as progress:
        yield _Speaker(progress)


class _Speaker:
    def __init__(self, progress: Any) -> None:
        self._progress = progress

    def say(self, text: str) -> None:
        """Prints a sentence."""
        typer.echo(text, err=True)

    def progress(self, text: str, done: int, total: int) -> None:
        """Moves the bar."""
        self._progress(text, done, total)

    def trial(self, document: dict[str, Any], text: str, done: int, total: int) -> None:
        """No trials happen here."""
