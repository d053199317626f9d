"""The clock: the only file that reads one."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

__all__ = ["Stopwatch", "pause", "processor_ns", "processor_stopwatch", "time_limit", "timestamp"]


class Stopwatch:
    """Seconds since it was made; the clock can be replaced in tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start


def processor_stopwatch() -> Stopwatch:
    """Counts the processor time of the calling thread, which stands still while other work has the processor."""
    return Stopwatch(time.thread_time)


def pause(seconds: float) -> None:
    """Lets so many seconds pass."""
    time.sleep(seconds)


def timestamp() -> str:
    """The present in UTC, such as `20261121-093000`, for names of folders."""
    return datetime.now(tz=timezone.utc).strftime("%Y%m%d-%H%M%S")


def time_limit(seconds: float) -> timedelta:
    """A length of time as libraries want it that wait for something."""
    return timedelta(seconds=seconds)


def processor_ns() -> int:
    """Nanoseconds of processor time of the calling thread: what other programs take does not count."""
    return time.thread_time_ns()
