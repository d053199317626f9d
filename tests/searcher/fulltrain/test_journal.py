"""What can be watched of a training."""

import csv
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.fulltrain import journal
from splitsearch.searcher.fulltrain.journal import COLUMNS, Events, NoEvents, wants_events, write_metrics
from splitsearch.spaces.errors import UserError


def row(epoch: int, accuracy: float, leaving: float | None = None) -> dict[str, Any]:
    numbers = dict.fromkeys(COLUMNS, 0.5) | {"phase": "imitate"}
    return numbers | {"epoch": epoch, "accuracy": accuracy, "exit_rate": leaving}


def test_a_line_for_each_epoch(tmp_path: Path) -> None:
    write_metrics(tmp_path / "m.csv", [row(1, 0.25), row(2, 0.5, 0.125)])
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(each["epoch"], each["accuracy"], each["exit_rate"]) for each in rows] == [
        ("1", "0.25", ""),
        ("2", "0.5", "0.125"),
    ]


def test_events_are_written_where_they_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "find_spec", lambda name: None)
    assert not wants_events(None)
    assert not wants_events(False)
    with pytest.raises(UserError, match=r"--tensorboard needs the package tensorboard: pip install 'splitsearch\[te"):
        wants_events(True)
    monkeypatch.setattr(journal, "find_spec", lambda name: object())
    assert [wants_events(asked) for asked in (None, True, False)] == [True, True, False]
    NoEvents().add({})
    NoEvents().close()


@pytest.mark.filterwarnings("ignore")  # of TensorBoard's own dependencies
def test_tensorboard_reads_the_events_and_none_twice(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first = Events(tmp_path, 1)
    for epoch, accuracy in ((1, 0.25), (2, 0.5)):
        first.add(row(epoch, accuracy))
    first.close()
    again = Events(tmp_path, 2)  # a killed process had written epoch 2 already, and its checkpoint had not
    again.add(row(2, 0.75))
    again.close()
    found = accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    scalars = [(event.step, event.value) for event in found.Scalars("validation/accuracy")]
    assert scalars == [(1, 0.25), (2, 0.75)]
    assert "validation/exit_rate" not in found.Tags()["scalars"]
