"""Optuna Dashboard on the study of a run, with notes, figures and files beside the trials."""

import hashlib
import io
import json
import socket
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import optuna
import optuna_dashboard
import plotly.graph_objects as go
from optuna.artifacts import FileSystemArtifactStore
from optuna.trial import Trial

from splitsearch.searcher.engine.opening import open_study, storage_url
from splitsearch.spaces.errors import UserError

__all__ = ["Adornment", "adorn", "serve"]

_FILES = "dashboard:artifacts:"
_KINDS = {".json": "application/json", ".svg": "image/svg+xml"}
_OURS = "splitsearch:note:"
_GONE = "This candidate was on the front of an earlier part of the run; others dominate it now.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adornment:
    """What the dashboard shows beside what a study holds.

    Attributes:
        note: on the study, as Markdown.
        notes: number of a trial to its note, as Markdown.
        figures: name to a Plotly figure as JSON data.
        files: number of a trial to files by name.
    """

    note: str = ""
    notes: Mapping[int, str] = field(default_factory=dict)
    figures: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    files: Mapping[int, Mapping[str, str]] = field(default_factory=dict)


def adorn(run: Path, adornment: Adornment) -> None:
    """Files notes, figures and files with the study; a second time changes only what has changed.

    Raises:
        UserError: the folder holds no study.
    """
    study = open_study(run)
    ids = {trial.number: trial._trial_id for trial in study.get_trials(deepcopy=False)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if adornment.note:
            _write_note(study, study, adornment.note)
        for number, text in (dict.fromkeys(_marked(study), _GONE) | dict(adornment.notes)).items():
            if number in ids:
                _write_note(study, Trial(study, ids[number]), text)
        for name, figure in adornment.figures.items():
            optuna_dashboard.save_plotly_graph_object(study, go.Figure(figure), graph_object_id=name)
        for number, texts in adornment.files.items():
            if number in ids:
                _add_files(run, study, ids[number], texts)


def _write_note(study: optuna.Study, place: optuna.Study | Trial, text: str) -> None:
    """Replaces what we wrote, or nothing; what somebody else wrote stays."""
    mark = f"{_OURS}study" if isinstance(place, optuna.Study) else f"{_OURS}{place.number}"
    present = optuna_dashboard.get_note(place)
    if present and _digest(present) != study._storage.get_study_system_attrs(study._study_id).get(mark):
        return
    if present != text:
        optuna_dashboard.save_note(place, text)
        study._storage.set_study_system_attr(study._study_id, mark, _digest(text))


def _marked(study: optuna.Study) -> set[int]:
    """Trials that have a note of ours."""
    marks = [
        key.removeprefix(_OURS)
        for key in study._storage.get_study_system_attrs(study._study_id)
        if key.startswith(_OURS)
    ]
    return {int(mark) for mark in marks if mark != "study"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _add_files(run: Path, study: optuna.Study, trial_id: int, texts: Mapping[str, str]) -> None:
    """Files that the trial has already, by name, are not added again.

    A finished trial takes no attributes any more, so `upload_artifact` refuses it; the dashboard reads files from
    attributes of the study too, where its own first releases filed them.
    """
    storage, prefix = study._storage, f"{_FILES}{trial_id}:"
    attributes = storage.get_study_system_attrs(study._study_id)
    filed = [json.loads(value) for key, value in attributes.items() if key.startswith(prefix)]
    present = {meta["filename"] for meta in filed if meta}
    store = _store(run)
    for name, text in texts.items():
        if name in present:
            continue
        identity = str(uuid.uuid4())
        store.write(identity, io.BytesIO(text.encode()))
        kind = _KINDS.get(Path(name).suffix, "text/plain")
        meta = {"artifact_id": identity, "filename": name, "mimetype": kind, "encoding": None}
        storage.set_study_system_attr(study._study_id, prefix + identity, json.dumps(meta))


def _store(run: Path) -> FileSystemArtifactStore:
    folder = run / "artifacts"
    folder.mkdir(exist_ok=True)
    return FileSystemArtifactStore(folder)


def serve(run: Path, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until interrupted.

    Args:
        run: the run folder.
        host: address to listen on.
        port: to listen on.
        ready: hears the address of the study's page.

    Raises:
        UserError: the folder holds no study, or the port is taken.
    """
    study = open_study(run)
    with socket.socket() as probe:
        # As the server will: a port that lingers from an earlier server is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from error
    ready(f"http://{host}:{port}/dashboard/studies/{study._study_id}")
    # The server swallows whatever is raised while it answers; a signal must reach the main thread, which only waits.
    server = Thread(
        target=optuna_dashboard.run_server,
        args=(storage_url(run),),
        kwargs={"host": host, "port": port, "artifact_store": _store(run)},
        daemon=True,
    )
    server.start()
    server.join()
