"""What a long piece of work tells whoever watches; the command line draws it, tests ignore it."""

from typing import Any, Protocol

__all__ = ["Reporter", "SilentReporter"]


class Reporter(Protocol):
    """Hears what happens during a run."""

    def say(self, text: str) -> None:
        """A sentence worth keeping."""
        ...

    def progress(self, text: str, done: int, total: int) -> None:
        """A step of something that takes a while."""
        ...

    def trial(self, document: dict[str, Any], text: str, done: int, total: int) -> None:
        """A trial has finished; `document` is the front as it stands, in the form of front.json."""
        ...


class SilentReporter:
    """Nobody watches."""

    def say(self, text: str) -> None:
        """Ignores it."""

    def progress(self, text: str, done: int, total: int) -> None:
        """Ignores it."""

    def trial(self, document: dict[str, Any], text: str, done: int, total: int) -> None:
        """Ignores it."""
