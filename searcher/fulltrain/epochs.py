"""The epochs of a full training: trained by the runner, judged, kept; it goes on wherever a checkpoint stands.

After each epoch the checkpoint is written last of all that a resumed training needs, and metrics.csv is written again
from what is in it: whenever a kill comes, files and checkpoint tell one story.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.deploy.rebuild import save_stages
from splitsearch.searcher.fulltrain.checkpoint import write_checkpoint
from splitsearch.searcher.fulltrain.ending import Ending
from splitsearch.searcher.fulltrain.journal import Journal, Row, write_metrics
from splitsearch.searcher.fulltrain.judging import judged, verdict
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.runner import Training
from splitsearch.spaces.errors import Interrupted
from splitsearch.spaces.model import SplitModel, Stage

__all__ = ["LAST", "Course", "Epochs", "Story"]

LAST = "last.safetensors"
METRICS = "metrics.csv"


@dataclass(slots=True, kw_only=True)
class Story:
    """What a training has seen so far, as the checkpoint holds it.

    Attributes:
        parts: of each process's share of a batch; doubled once if memory runs out.
        exported: how good the exported weights are: `accuracy`, `low`, `high`, …
        rows: of metrics.csv, one for each epoch.
        best: `epoch`, `file` and verdict of the best epoch; empty before the first.
        loss: sum of the losses of the epoch under way.
        steps: that it is a sum of.
        seconds: that they took.
    """

    parts: int
    exported: dict[str, float | None] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    loss: float = 0.0
    steps: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where a training writes, and who watches.

    Attributes:
        folder: of the training.
        journal: hears of every epoch.
        ending: whether it is to end before its time.
        reporter: hears how far it is.
        resume: the command that goes on with it.
    """

    folder: Path
    journal: Journal
    ending: Ending
    reporter: Reporter
    resume: str


class Epochs:
    """A full training, epoch by epoch."""

    def __init__(self, material: Material, training: Training, story: Story, course: Course) -> None:
        self.material, self.training, self.story, self.course = material, training, story, course
        self._validation: Activations = material.validation()
        self._total = training.bounds[-1]

    def run(self) -> Story:
        """Trains to the end.

        Raises:
            InfeasibleError: the loss is no number any more; the last whole epoch is kept.
            Interrupted: somebody wanted it; the message says how to go on.
        """
        if self.training.step == 0:
            self._keep()
        while self.training.step < self._total:
            self._epoch()
        return self.story

    def _epoch(self) -> None:
        training, story = self.training, self.story
        behind, each = training.step // training.steps_per_epoch, training.steps_per_epoch
        watch, before = Stopwatch(), story.seconds
        training.advance(min(self._total, (behind + 1) * each), self._heard(behind + 1))
        story.seconds = before + watch.seconds
        if training.step < min(self._total, (behind + 1) * each):
            self._keep()
            raise self._interrupted()
        self._close_epoch(behind + 1)
        if self.course.ending.wanted(self.material.processes) and training.step < self._total:
            raise self._interrupted()

    def _heard(self, epoch: int) -> Callable[[float], bool]:
        course, story, training = self.course, self.story, self.training
        epochs = -(-self._total // training.steps_per_epoch)

        def heard(loss: float) -> bool:
            story.loss += loss
            story.steps += 1
            course.reporter.progress(f"epoch {epoch} of {epochs}, step", training.step, self._total)
            return course.ending.wanted(self.material.processes)

        return heard

    def _close_epoch(self, epoch: int) -> None:
        story, training, first = self.story, self.training, self.material.processes.is_first
        model = training.result
        for stage in _learned(model):
            self.material.processes.unify(stage.module)
        row: Row = {
            "epoch": epoch,
            "phase": training.phase,
            "samples": training.samples,
            "loss": story.loss / story.steps,
            "learning_rate": training.learning_rate,
            **verdict(judged(self.material, model, self._validation)),
            "images_per_s": story.steps * training.batch_size / max(story.seconds, 1e-9),
            "seconds": story.seconds,
        }
        story.rows.append(row)
        story.loss, story.steps, story.seconds = 0.0, 0, 0.0
        outdated = None
        if not story.best or row["accuracy"] > story.best["accuracy"]:
            outdated, story.best = story.best.get("file"), self._best(epoch, row)
        self._keep()
        if first:
            if outdated:
                (self.course.folder / outdated).unlink(missing_ok=True)
            write_metrics(self.course.folder / METRICS, story.rows)
            self.course.journal.add(row)
        self.course.reporter.say(
            f"epoch {epoch} ({row['phase']}): loss {row['loss']:.4f}, validation accuracy {row['accuracy']:.4f}"
        )

    def _best(self, epoch: int, row: Row) -> dict[str, Any]:
        """Keeps the weights under a name of their own: the checkpoint before may still need the older ones."""
        file, model = f"best-{epoch:05d}.safetensors", self.training.result
        if self.material.processes.is_first:
            save_stages(_learned(model), self.course.folder / file)
        return {"epoch": epoch, "file": file, "accuracy": row["accuracy"], "low": row["low"], "high": row["high"]}

    def _keep(self) -> None:
        tensors, step = self.training.state()
        if self.material.processes.is_first:
            write_checkpoint(self.course.folder / LAST, tensors, {"step": step, "story": asdict(self.story)})

    def _interrupted(self) -> Interrupted:
        self.material.processes.require_first()
        at = f"interrupted after step {self.training.step} of {self._total}"
        return self.course.ending.interrupted(f"{at}; go on with: {self.course.resume}")


def _learned(model: SplitModel) -> list[Stage]:
    stages = (*model.stages, *((model.exit.stage,) if model.exit else ()))
    return [stage for stage in stages if not stage.original]
