"""Signs of life that outlast a storage that is away."""

from collections.abc import Callable
from threading import Event
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.storages._heartbeat import BaseHeartbeat

from splitsearch.searcher.engine.sharing.heartbeat import Heartbeat
from splitsearch.searcher.engine.sharing.patience import Patience


class Heart(InMemoryStorage, BaseHeartbeat):
    def __init__(self, interval: float | None) -> None:
        super().__init__()
        self.interval, self.beats, self.many = interval, 0, Event()

    def record_heartbeat(self, trial_id: int) -> None:
        self.beats += 1
        if self.beats == 2:
            raise optuna.exceptions.StorageInternalError("away")
        if self.beats == 4:
            self.many.set()

    def get_heartbeat_interval(self) -> Any:
        return self.interval

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        return []

    def get_heartbeat_stale_trial_callback(self) -> Callable[..., None] | None:
        return None


def test_it_goes_on_after_a_fault_and_ends_with_the_trial() -> None:
    heart, patience = Heart(0.01), Patience()
    with Heartbeat(heart, 7, patience):
        assert heart.beats >= 1
        assert heart.many.wait(10)
    assert patience.outages == 1
    beats = heart.beats
    assert not Event().wait(0.05)
    assert heart.beats == beats


@pytest.mark.parametrize("storage", [Heart(None), InMemoryStorage()])
def test_where_no_beats_are_kept_none_is_given(storage: Any) -> None:
    with Heartbeat(storage, 7, Patience()):
        pass
    assert getattr(storage, "beats", 0) == 0
