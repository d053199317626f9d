"""What can be watched of a full training: `metrics.csv`, a line for each epoch, and events for TensorBoard."""

import csv
import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from splitsearch.searcher.engine.files import write_atomic
from splitsearch.spaces.errors import UserError

__all__ = ["COLUMNS", "Events", "Journal", "NoEvents", "Row", "wants_events", "write_metrics"]

COLUMNS = (
    *("epoch", "phase", "samples", "loss", "learning_rate", "accuracy", "low", "high", "payload_bytes", "exit_rate"),
    *("images_per_s", "seconds"),
)
"""Of metrics.csv; `accuracy` is top-1 on the validation images, `low` and `high` the ends of its 95 % interval."""

_SCALARS = {
    "loss": "training/loss",
    "learning_rate": "training/learning_rate",
    "images_per_s": "training/images_per_s",
    "accuracy": "validation/accuracy",
    "payload_bytes": "validation/payload_bytes",
    "exit_rate": "validation/exit_rate",
}

Row = dict[str, Any]


class Journal(Protocol):
    """Hears of every epoch."""

    def add(self, row: Row) -> None:
        """One more epoch."""
        ...

    def close(self) -> None:
        """The training ends."""
        ...


def write_metrics(path: Path, rows: Sequence[Row]) -> None:
    """Writes all epochs; an exit rate that there is not is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(path, text.getvalue())


def wants_events(asked: bool | None) -> bool:
    """Whether events are written: where the package is installed and nobody refuses them.

    Args:
        asked: what the user says; None where nothing.

    Raises:
        UserError: they are asked for, and the package is not there.
    """
    there = find_spec("tensorboard") is not None
    if asked and not there:
        raise UserError("--tensorboard needs the package tensorboard: pip install 'splitsearch[tensorboard]'")
    return there if asked is None else asked


class NoEvents:
    """Nobody watches."""

    def add(self, row: Row) -> None:
        """Ignores it."""

    def close(self) -> None:
        """Nothing is open."""


class Events:
    """Scalars of every epoch in TensorBoard's format."""

    def __init__(self, folder: Path, epoch: int) -> None:
        """Opens a file.

        Args:
            folder: for the files; it is made.
            epoch: the next one, from 1: what a killed process wrote of later ones is taken back.
        """
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=epoch)

    def add(self, row: Row) -> None:
        """Writes the scalars at their epoch."""
        for name, tag in _SCALARS.items():
            if row[name] is not None:
                self._writer.add_scalar(tag, row[name], row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()
