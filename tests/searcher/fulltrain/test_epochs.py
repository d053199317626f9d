"""The epochs of a training: what is judged, kept and told."""

from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.fulltrain import epochs
from splitsearch.searcher.fulltrain.checkpoint import read_checkpoint
from splitsearch.searcher.fulltrain.ending import Ending
from splitsearch.searcher.fulltrain.epochs import LAST, METRICS, Course, Epochs, Story
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.training.outputs import Validation


class Heard:
    """A journal that keeps rows."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def close(self) -> None:
        pass


@pytest.fixture
def made(material: Material, watching: Any, tmp_path: Path) -> Epochs:
    course = Course(folder=tmp_path, journal=Heard(), ending=Ending(), reporter=watching(), resume="again")
    return Epochs(material, material.training(1), Story(parts=1), course)


def scripted(monkeypatch: pytest.MonkeyPatch, *accuracies: float) -> None:
    """Validations that say what they are told to."""
    left = iter(accuracies)

    def judged(*_: Any) -> Validation:
        return Validation(accuracy=next(left), images=60, payload_bytes=7.0)

    monkeypatch.setattr(epochs, "judged", judged)


@pytest.mark.parametrize(
    ("accuracies", "best"), [((0.2, 0.4), 2), ((0.4, 0.2), 1), ((0.3, 0.3), 1)], ids=["rising", "falling", "equal"]
)
def test_the_best_epoch_by_validation_is_kept_alone(
    made: Epochs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accuracies: tuple[float, float], best: int
) -> None:
    scripted(monkeypatch, *accuracies)
    story = made.run()
    assert story.best["epoch"] == best
    assert story.best["accuracy"] == max(accuracies)
    assert [path.name for path in tmp_path.glob("best-*")] == [story.best["file"]] == [f"best-{best:05d}.safetensors"]
    assert [row["accuracy"] for row in story.rows] == list(accuracies)


def test_every_epoch_is_told_to_all_who_listen(made: Epochs, tmp_path: Path) -> None:
    story = made.run()
    assert made.course.journal.rows == story.rows  # type: ignore[attr-defined]
    assert len((tmp_path / METRICS).read_text(encoding="utf-8").splitlines()) == 3
    assert [row["phase"] for row in story.rows] == ["imitate", "imitate"]
    assert [row["samples"] for row in story.rows] == [160, 320]
    rates = [row["learning_rate"] for row in story.rows]
    assert rates == pytest.approx([1e-4, 1e-6])  # times 0.1 after a quarter, a half and three quarters
    assert sum("validation accuracy" in line for line in made.course.reporter.said) == 2  # type: ignore[attr-defined]


def test_the_loss_of_an_epoch_is_the_mean_of_its_steps(made: Epochs, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []
    real = made.training._one

    def one(*given: Any) -> float:
        losses.append(real(*given))
        return losses[-1]

    monkeypatch.setattr(made.training, "_one", one)
    story = made.run()
    assert [row["loss"] for row in story.rows] == pytest.approx([sum(losses[:4]) / 4, sum(losses[4:]) / 4])


def test_a_checkpoint_is_there_before_the_first_step(
    made: Epochs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(made.training, "advance", fails)
    with pytest.raises(MemoryError):
        made.run()
    assert read_checkpoint(tmp_path / LAST)[1]["step"] == 0
