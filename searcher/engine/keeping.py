"""The files of a run folder, kept in step with the study, which is the one source of truth."""

import os
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.files import append_line, write_lines
from splitsearch.searcher.engine.front import FrontHeader, front_document, write_front
from splitsearch.searcher.engine.results import is_refused
from splitsearch.searcher.engine.sharing.artifacts import Artifacts
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import checkpoint_path

__all__ = ["CHECKPOINT", "Keeper"]

CHECKPOINT = "checkpoint"
"""Attribute of a trial: the parcel of its weights."""


class Keeper:
    """Writes trials.jsonl, the front and the checkpoints of the front.

    Args:
        folder: of the run.
        study: where the results are.
        header: what the front is a front of.
        artifacts: where other workers put their weights; None if this process trains all.
    """

    def __init__(self, folder: Path, study: RunStudy, header: FrontHeader, artifacts: Artifacts | None = None) -> None:
        self.folder, self.study, self.header = folder, study, header
        self._artifacts = artifacts
        self._lines: set[int] = set()
        self._document: dict[str, Any] | None = None

    def begin(self) -> None:
        """Writes trials.jsonl again from the study."""
        results = self.study.results()
        self._lines = {result.trial for result in results}
        write_lines(self.folder / "trials.jsonl", [result.to_json() for result in results])

    def update(self) -> dict[str, Any]:
        """Appends what is new; the front as it stands."""
        new = [result for result in self.study.results() if result.trial not in self._lines]
        for result in new:
            append_line(self.folder / "trials.jsonl", result.to_json())
            self._lines.add(result.trial)
        # A refusal leaves the front as it is, and comes by dozens.
        if self._document is None or not all(is_refused(result) for result in new):
            self._document = self.finish()
        return self._document

    def finish(self) -> dict[str, Any]:
        """Writes the front of what is known and drops the checkpoints that are not on it."""
        results = self.study.results()
        document = front_document(self.header, results)
        write_front(self.folder, document)
        folder = self.folder / "checkpoints"
        trainers = {result.trial: result.trained_by for result in results if result.trained_by is not None}
        numbers = {trainers.get(entry["trial"], entry["trial"]) for entry in document["front"]}
        kept = {checkpoint_path(folder, number): number for number in numbers}
        for path in folder.glob("trial-*.safetensors"):
            if path not in kept:
                path.unlink()
        for path, trial in kept.items():
            if not path.is_file() and self._artifacts is not None:
                self._fetch(path, trial)
        return document

    def _fetch(self, path: Path, trial: int) -> None:
        """Weights that another worker trained; a trial that was told late bears the number of another."""
        assert self._artifacts is not None
        parcel = self.study.attribute(trial, CHECKPOINT)
        if parcel and self._artifacts.fetch(parcel, path.parent):
            (name,) = parcel
            os.replace(path.parent / name, path)
