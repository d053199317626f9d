"""The clock."""

import threading
from datetime import datetime

from splitsearch.profilers.timing import Stopwatch, processor_ns, processor_stopwatch, time_limit, timestamp


def test_a_stopwatch_counts_from_its_start() -> None:
    ticks = iter([10.0, 10.5, 12.0])
    watch = Stopwatch(lambda: next(ticks))
    assert (watch.seconds, watch.seconds) == (0.5, 2.0)


def test_processor_time_stands_still_while_a_thread_sleeps() -> None:
    wall, own = Stopwatch(), processor_stopwatch()
    threading.Event().wait(0.05)
    assert wall.seconds >= 0.05
    assert own.seconds < 0.02


def test_a_timestamp_can_be_read_back() -> None:
    assert datetime.strptime(timestamp(), "%Y%m%d-%H%M%S").year >= 2026


def test_a_thread_that_waits_uses_no_time() -> None:
    start = processor_ns()
    threading.Event().wait(0.05)
    assert processor_ns() - start < 20_000_000
    assert sum(range(200_000)) > 0
    assert processor_ns() > start


def test_a_time_limit_is_as_long_as_it_says() -> None:
    assert time_limit(90.0).total_seconds() == 90.0
