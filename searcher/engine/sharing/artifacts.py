"""Files that travel between workers through an artifact store of Optuna: teachers, checkpoints of rungs and of trials.

What travels is checked: a file whose checksum is not the one that the study holds is not there.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.artifacts import Boto3ArtifactStore, FileSystemArtifactStore, download_artifact, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import Trial

from splitsearch.spaces.errors import UserError

__all__ = ["Artifacts", "Parcel", "Study", "open_artifacts"]

Study = optuna.Study

Parcel = dict[str, dict[str, str]]
"""File name to `id` in the store and `sha256` of its content: plain data for an attribute of the study."""


class Artifacts:
    """An artifact store, and the checksums of what went into it."""

    def __init__(self, store: FileSystemArtifactStore | Boto3ArtifactStore) -> None:
        self._store = store

    def put(self, owner: Study | Trial, base: Path, files: Sequence[Path]) -> Parcel:
        """Uploads files for a study or a trial.

        Args:
            owner: whose they are; the dashboard lists them there.
            base: folder that names are relative to.
            files: which, below that folder.

        Returns:
            What `fetch` needs.
        """
        return {
            str(file.relative_to(base)): {
                "id": upload_artifact(artifact_store=self._store, file_path=str(file), study_or_trial=owner),
                "sha256": _digest(file),
            }
            for file in files
        }

    def fetch(self, parcel: Parcel, base: Path) -> bool:
        """Downloads files to where they were below another folder; whether all are there and whole."""
        for name, known in parcel.items():
            target = base / name
            if target.is_file() and _digest(target) == known["sha256"]:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
            try:
                download_artifact(artifact_store=self._store, file_path=str(part), artifact_id=known["id"])
                if _digest(part) != known["sha256"]:
                    return False
                os.replace(part, target)
            except ArtifactNotFound:
                return False
            finally:
                part.unlink(missing_ok=True)
        return True

    def drop(self, parcel: Parcel) -> None:
        """Removes files from the store; what is gone is gone."""
        for known in parcel.values():
            with contextlib.suppress(ArtifactNotFound):
                self._store.remove(known["id"])


def open_artifacts(where: str) -> Artifacts:
    """An artifact store by its place.

    Args:
        where: a folder that all workers see, or `s3://BUCKET`; the S3 client takes keys and endpoint from the
            environment, as AWS's own tools do.

    Raises:
        UserError: the folder cannot be made, the bucket has no name, or the S3 library is not installed.
    """
    if not where.startswith("s3://"):
        folder = Path(where)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--artifacts {where}: the folder cannot be made: {error.strerror}") from error
        return Artifacts(FileSystemArtifactStore(folder))
    bucket = where.removeprefix("s3://").strip("/")
    if not bucket or "/" in bucket:
        raise UserError(f"--artifacts {where}: must be s3://BUCKET, without a path")
    try:
        return Artifacts(Boto3ArtifactStore(bucket))
    except ImportError as error:
        raise UserError(f"--artifacts {where} needs a client: pip install 'splitsearch[s3]'") from error


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
