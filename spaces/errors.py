"""The errors that callers tell apart, in one place.

Interrupted                     the user or the system asked to stop: exit status 130
SplitsearchError
├── UserError               the input is wrong: one clear line, exit status 2
├── NothingFeasibleError    no candidate fits the budgets: exit status 3, names the nearest
├── StorageError            the study's storage does not answer: exit status 1, says what was kept where
└── InfeasibleError         this one candidate cannot exist or breaks a budget: the search goes on
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "InfeasibleError",
    "Interrupted",
    "NothingFeasibleError",
    "SplitsearchError",
    "StorageError",
    "UserError",
    "nearest",
]


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM; no Exception, so that nobody swallows it. The message says how to go on."""

    def __init__(self, message: str = "", *, status: int = 130) -> None:
        """Takes the message, and the exit status of the process."""
        super().__init__(message)
        self.status = status


class SplitsearchError(Exception):
    """Root of everything that splitsearch raises on purpose."""


class UserError(SplitsearchError):
    """The user's input is wrong; the message says what, the value, and what would be right."""


class NothingFeasibleError(SplitsearchError):
    """No candidate fits the budgets; the message names the nearest one and the budget that it breaks."""


class StorageError(SplitsearchError):
    """The storage of the study did not answer in time; the message says what it said last."""


class InfeasibleError(SplitsearchError):
    """One candidate is impossible; the message is the reason, and the search goes on without it."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """Returns `; did you mean 'x'?` for the closest choice, or the list of a few choices if none is close."""
    known = list(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"
