"""The sign of life of a worker while it trains: Optuna's heartbeat, beaten by hand because we ask and tell.

Optuna's own thread ends at the first fault of the storage, and its trial is then taken for dead while it trains.
"""

from threading import Event, Thread
from types import TracebackType

from optuna.storages import BaseStorage
from optuna.storages._heartbeat import BaseHeartbeat

from splitsearch.searcher.engine.sharing.patience import FAULTS, Patience

__all__ = ["Heartbeat"]


class Heartbeat:
    """Beats for one trial from entering to leaving; does nothing where the storage keeps no beats.

    Args:
        storage: of the study.
        trial_id: in the storage.
        patience: hears when the storage is away.
    """

    def __init__(self, storage: BaseStorage, trial_id: int, patience: Patience) -> None:
        self._storage, self._trial_id, self._patience = storage, trial_id, patience
        self._end = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> "Heartbeat":
        if isinstance(self._storage, BaseHeartbeat) and self._storage.get_heartbeat_interval() is not None:
            self._storage.record_heartbeat(self._trial_id)
            self._thread = Thread(target=self._beat, args=(self._storage,), daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self, storage: BaseHeartbeat) -> None:
        interval = storage.get_heartbeat_interval()
        while not self._end.wait(interval):
            try:
                storage.record_heartbeat(self._trial_id)
            except FAULTS:
                self._patience.away()  # the next beat comes, and the storage perhaps with it
