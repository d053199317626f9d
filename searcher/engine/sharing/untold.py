"""Results that the storage could not be told, kept in a file until it can: a training of hours is not lost."""

from pathlib import Path

from splitsearch.searcher.engine.files import append_line, read_lines, write_lines
from splitsearch.searcher.engine.results import TrialResult

__all__ = ["Untold"]


class Untold:
    """Results in a worker's folder that are not in the study yet."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "untold.jsonl"

    def keep(self, result: TrialResult) -> None:
        """Writes a result down before the storage is told."""
        append_line(self._file, result.to_json())

    def all(self) -> list[TrialResult]:
        """What is still to be told, the oldest first."""
        return [TrialResult.from_json(line) for line in read_lines(self._file)] if self._file.is_file() else []

    def told(self, result: TrialResult) -> None:
        """Forgets a result that the study holds now."""
        left = [kept for kept in self.all() if (kept.trial, kept.key) != (result.trial, result.key)]
        if left:
            write_lines(self._file, [kept.to_json() for kept in left])
        else:
            self._file.unlink(missing_ok=True)
