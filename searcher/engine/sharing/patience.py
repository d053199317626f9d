"""Patience with a storage that does not answer: databases restart, networks break, and a training of hours must not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import optuna
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from splitsearch.profilers.timing import Stopwatch, pause
from splitsearch.spaces.errors import StorageError

__all__ = ["FAULTS", "Patience"]

T = TypeVar("T")

FAULTS = (optuna.exceptions.StorageInternalError, SQLAlchemyError, OSError)
"""What a storage raises that is away; also what it raises in a race that comes out well when it is tried again."""

_FIRST, _LONGEST = 0.2, 8.0  # seconds between two tries


@dataclass(slots=True)
class Patience:
    """Calls the storage until it answers.

    Attributes:
        seconds: after which it is given up.
        outages: how often it was away.
        calm: time since it last was, or since this began.
    """

    seconds: float = 300.0
    outages: int = 0
    calm: Stopwatch = field(default_factory=Stopwatch)

    def away(self) -> None:
        """Notes that the storage did not answer."""
        self.outages += 1
        self.calm = Stopwatch()

    def __call__(self, action: Callable[[], T], seconds: float | None = None) -> T:
        """What the action returns, which may be called several times.

        Args:
            action: asks the storage something.
            seconds: in place of the usual patience.

        Raises:
            StorageError: it did not answer in time.
        """
        watch, wait = Stopwatch(), _FIRST
        while True:
            try:
                return action()
            except ArgumentError:  # of SQLAlchemy too, but no waiting makes a wrong URL right
                raise
            except FAULTS as error:
                self.away()
                limit = self.seconds if seconds is None else seconds
                if watch.seconds + wait > limit:
                    raise StorageError(_first_line(error)) from error
            pause(wait)
            wait = min(2 * wait, _LONGEST)


def _first_line(error: BaseException) -> str:
    """The driver's own words: Optuna and SQLAlchemy wrap them."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
