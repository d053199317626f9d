"""Signals during a training."""

import os
import signal

import pytest

from splitsearch.searcher.fulltrain.ending import Ending
from splitsearch.searcher.training.processes import ALONE, Processes
from splitsearch.spaces.errors import Interrupted


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_first_signal_is_remembered_and_the_second_ends_it(number: int, status: int) -> None:
    ending, before = Ending(), signal.getsignal(number)
    with ending.heard():
        assert not ending.wanted(ALONE)
        os.kill(os.getpid(), number)
        assert ending.wanted(ALONE)
        with pytest.raises(Interrupted) as error:
            os.kill(os.getpid(), number)
    assert error.value.status == ending.interrupted("so far").status == status
    assert signal.getsignal(number) is before


def test_all_processes_end_if_one_is_asked_to() -> None:
    class Other(Processes):
        def total(self, values: list[float]) -> list[float]:  # type: ignore[override]
            return [values[0] + 1.0]

    assert Ending().wanted(Other(rank=0, count=2))
