"""Trainings under way, where another worker finds them: what a killed one had reached is not done again.

A training leaves the checkpoint of its last rung in a folder of its own, `rung_folder`; what lies there after a rung is
uploaded, and noted in the trial with the curve so far.
"""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from optuna.trial import Trial

from splitsearch.searcher.engine.sharing.artifacts import Artifacts, Parcel
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import rung_folder
from splitsearch.spaces.errors import StorageError

__all__ = ["Rungs"]

_NOTE, _CURVE = "rung", "curve"


class Rungs:
    """Checkpoints of rungs in an artifact store.

    Args:
        study: that the trials are of.
        artifacts: where checkpoints lie for others; None keeps them in the run folder alone.
        checkpoints: folder of this worker.
    """

    def __init__(self, study: RunStudy, artifacts: Artifacts | None, checkpoints: Path) -> None:
        self._study, self._artifacts, self._checkpoints = study, artifacts, checkpoints

    def restore(self, trial: int, key: str) -> int:
        """Fetches the furthest checkpoint of a candidate to where its training looks for it; its rungs, 0 if none."""
        notes = sorted(self._study.notes(key, _NOTE), key=lambda note: -int(note["rungs"]))
        folder = rung_folder(self._checkpoints, trial)
        for note in notes:
            if self._fetched(note, folder):
                return int(note["rungs"])
            shutil.rmtree(folder, ignore_errors=True)
        return 0

    def _fetched(self, note: dict[str, Any], folder: Path) -> bool:
        if self._artifacts is not None and note["files"]:
            return self._artifacts.fetch(note["files"], folder)
        own = rung_folder(self._checkpoints, note["trial"])
        if not own.is_dir() or own == folder:
            return own.is_dir()
        shutil.copytree(own, folder, dirs_exist_ok=True)
        return True

    def keep(self, trial: Trial, curve: Sequence[dict[str, float]]) -> None:
        """Notes a rung, and that its checkpoint lies ready; a storage that is away is not waited for."""
        folder = rung_folder(self._checkpoints, trial.number)
        before: Parcel = trial.user_attrs.get(_NOTE, {}).get("files", {})
        with contextlib.suppress(StorageError):
            files: Parcel = {}
            if self._artifacts is not None and folder.is_dir():
                found = sorted(path for path in folder.rglob("*") if path.is_file())
                files = self._study.patience(lambda: self._upload(trial, folder, found), 5.0)
            note = {"trial": trial.number, "rungs": len(curve), "files": files}
            self._study.note(trial, _CURVE, list(curve))
            self._study.note(trial, _NOTE, note)
            if self._artifacts is not None:
                self._artifacts.drop(before)

    def _upload(self, trial: Trial, folder: Path, files: Sequence[Path]) -> Parcel:
        assert self._artifacts is not None
        return self._artifacts.put(trial, folder, files)

    def clear(self, trial: int, key: str) -> None:
        """Removes checkpoints of rungs that nobody needs any more."""
        shutil.rmtree(rung_folder(self._checkpoints, trial), ignore_errors=True)
        for note in self._study.notes(key, _NOTE):
            if self._artifacts is not None:
                self._artifacts.drop(note["files"])

    def hook(
        self, trial: Trial, stop: Callable[[Any], str | None] = lambda standing: None
    ) -> Callable[[Any], str | None]:
        """What a training calls after each rung but the last: notes it, and asks whether to stop."""

        def after(standing: Any) -> str | None:
            self.keep(trial, standing.curve)
            return stop(standing)

        return after
