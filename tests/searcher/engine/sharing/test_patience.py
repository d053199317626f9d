"""Waiting for a storage."""

import pytest
from sqlalchemy.exc import OperationalError

from splitsearch.searcher.engine.sharing import patience as module
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.spaces.errors import StorageError


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(module, "pause", taken.append)
    return taken


class Flaky:
    def __init__(self, faults: int) -> None:
        self.faults = faults

    def __call__(self) -> str:
        if self.faults:
            self.faults -= 1
            raise OperationalError("select", {}, Exception("connection refused\n(secret)"))
        return "answer"


def test_a_storage_that_comes_back_is_waited_for_with_growing_pauses(pauses: list[float]) -> None:
    patience = Patience(seconds=60)
    assert patience(Flaky(7)) == "answer"
    assert patience.outages == 7
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8.0]


def test_one_that_stays_away_is_given_up_in_its_own_words() -> None:
    with pytest.raises(StorageError, match="connection refused"):
        Patience(seconds=0)(Flaky(10**9))


def test_other_errors_are_not_retried() -> None:
    with pytest.raises(ZeroDivisionError):
        Patience()(lambda: 1 // 0)


def test_calm_begins_anew_after_an_outage() -> None:
    patience = Patience()
    before = patience.calm
    patience.away()
    assert patience.calm is not before
