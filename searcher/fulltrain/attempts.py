"""A full training from where its checkpoint stands; where memory runs out, once again in twice as many parts."""

import gc
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from splitsearch.searcher.fulltrain.checkpoint import Tensors, read_checkpoint
from splitsearch.searcher.fulltrain.ending import Ending
from splitsearch.searcher.fulltrain.epochs import LAST, Course, Epochs, Story
from splitsearch.searcher.fulltrain.journal import Events, Journal, NoEvents
from splitsearch.searcher.fulltrain.judging import judged, verdict
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.training.loops import exhausted
from splitsearch.spaces.errors import InfeasibleError, UserError

__all__ = ["Attempts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What a checkpoint holds; of a training that has not begun, no tensors."""

    story: Story
    tensors: Tensors | None = None
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """One training, tried at most twice.

    Attributes:
        material: of it.
        out: its folder.
        reporter: hears what happens.
        resuming: the command that goes on with it.
    """

    material: Material
    out: Path
    reporter: Reporter
    resuming: str

    def run(self, *, resume: bool, tensorboard: bool) -> Story:
        """Trains to the end.

        Args:
            resume: whether to go on from the checkpoint, if there is one.
            tensorboard: whether events are written.

        Raises:
            UserError: the training diverged, or memory ran out twice.
            Interrupted: somebody wanted it; the message says how to go on.
        """
        ending = Ending()
        standing = self._standing(resume=resume)
        with ending.heard(), closing(self._journal(standing, tensorboard)) as journal:
            course = Course(
                folder=self.out, journal=journal, ending=ending, reporter=self.reporter, resume=self.resuming
            )
            try:
                return self._from(standing, course)
            except (RuntimeError, MemoryError) as error:
                if not exhausted(error):
                    raise
            gc.collect()  # what the failed attempt held must be gone before the next one begins
            standing = self._standing(resume=True)
            self._divide(standing.story)
            try:
                return self._from(standing, course)
            except (RuntimeError, MemoryError) as error:
                if not exhausted(error):
                    raise
                raise self._no_memory(standing.story.parts) from error

    def _from(self, standing: _Standing, course: Course) -> Story:
        material, story = self.material, standing.story
        training = material.training(story.parts)
        if standing.tensors is not None:
            training.restore(standing.tensors, standing.step)
            self.reporter.say(f"going on after step {standing.step} of {training.bounds[-1]}")
        if not story.exported:
            found = judged(material, material.exported(), material.validation())
            story.exported = verdict(found)
            self.reporter.say(f"exported weights: validation accuracy {found.accuracy:.4f} on {found.images} images")
        try:
            return Epochs(material, training, story, course).run()
        except InfeasibleError as error:
            material.processes.require_first()  # all see the same loss, and one says so
            raise UserError(
                f"{error}; '{self.out}' keeps what was reached before: begin anew with another --trainer, --batch-size "
                "or --no-amp, and another -o"
            ) from error

    def _standing(self, *, resume: bool) -> _Standing:
        path = self.out / LAST
        if not (resume and path.is_file()):
            return _Standing(story=Story(parts=self.material.settings.accumulate))
        tensors, facts = read_checkpoint(path)
        return _Standing(story=Story(**facts["story"]), tensors=tensors, step=facts["step"])

    def _journal(self, standing: _Standing, tensorboard: bool) -> Journal:
        if not (tensorboard and self.material.processes.is_first):
            return NoEvents()
        return Events(self.out / "tensorboard", len(standing.story.rows) + 1)

    def _divide(self, story: Story) -> None:
        """Once, and where each part still has two images; several processes cannot agree on it in time."""
        settings, processes = self.material.settings, self.material.processes
        batch = min(settings.batch_size, len(self.material.data.train))
        if story.parts > settings.accumulate or processes.count > 1 or batch // (2 * story.parts) < 2:
            raise self._no_memory(story.parts)
        story.parts *= 2
        self.reporter.say(f"memory ran out: each batch is computed in {story.parts} parts from here on")

    def _no_memory(self, parts: int) -> UserError:
        batch = self.material.settings.batch_size
        return UserError(
            f"memory ran out with batches of {batch} images in {parts} parts: begin anew with --accumulate {4 * parts} "
            "or a smaller --batch-size, and another -o"
        )
