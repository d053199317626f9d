"""Ctrl-C and SIGTERM during a full training: the step under way is finished and kept, and then it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from splitsearch.searcher.training.processes import Processes
from splitsearch.spaces.errors import Interrupted

__all__ = ["Ending"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Whether somebody wants the training to end."""

    def __init__(self) -> None:
        self._signal = 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """While it lasts, the first signal is remembered, and the second ends the process at once."""
        before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wanted(self, processes: Processes) -> bool:
        """Whether any process heard a signal; all agree, so that all end after the same step."""
        return processes.total([float(self._signal != 0)])[0] > 0

    def interrupted(self, message: str) -> Interrupted:
        """What ends the command; SIGTERM has the exit status that shells give it."""
        return Interrupted(message, status=128 + signal.SIGTERM if self._signal == signal.SIGTERM else 130)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            raise self.interrupted("interrupted twice; what was kept last stays")
        self._signal = number
