"""A run as data, read from its files alone, so that whatever shows a run does not depend on how it was searched."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from splitsearch.profilers.devices.trust import Asked
from splitsearch.profilers.target import Target
from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.targets import read_target
from splitsearch.spaces.errors import UserError

__all__ = ["Record", "read_front", "read_record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run folder that has been read.

    Attributes:
        folder: where it lies.
        document: front.json.
        trials: every finished trial, in order; repeats of a known candidate are among them.
        settings: of run.yaml; empty where that is missing.
        versions: of Python and packages, as the run had them.
        command: that started the run.
        target: machines and network of the run; None if their files cannot be read any more.
        target_fault: why there is no target; empty where there is one.
    """

    folder: Path
    document: dict[str, Any]
    trials: tuple[TrialResult, ...]
    settings: dict[str, Any]
    versions: dict[str, str]
    command: str
    target: Target | None
    target_fault: str

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the run optimised; the names of an older or newer release are taken as they stand in the file."""
        return tuple(Objective(**o) for o in self.document["objectives"])

    @property
    def trained(self) -> list[TrialResult]:
        """Complete trials, each candidate once."""
        return [trial for trial in self.trials if trial.state == "complete" and trial.repeat_of is None]

    @property
    def front_trials(self) -> set[int]:
        """Numbers of the trials on the front."""
        return {entry["trial"] for entry in self.document["front"]}

    @property
    def validation_images(self) -> int | None:
        """On how many images accuracies were measured; None if the run does not say."""
        images = self.document["teacher"].get("images")
        return None if images is None else int(images)

    @property
    def source(self) -> str:
        """`measured`, `predicted` or `estimated`: that of the least trustworthy latency shown."""
        order = ("measured", "predicted", "estimated")
        shown = [*self.document["front"], *self.document["baselines"]]
        sources = [row["latency"].get("source", "estimated") for row in shown]
        return max(sources, key=lambda source: order.index(source) if source in order else 2, default="estimated")


def read_front(run: Path) -> dict[str, Any]:
    """Reads front.json of a run folder.

    Raises:
        UserError: the folder is none, has no front yet, or the file is spoilt or of another release.
    """
    file = run / "front.json"
    if not file.is_file():
        what = "has no front yet" if (run / "run.yaml").is_file() else "is no run folder"
        raise UserError(f"'{run}' {what}: it has no front.json")
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"'{file}' is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != 1:
        found = document.get("schema") if isinstance(document, dict) else document
        raise UserError(f"'{file}' has schema {found!r}; this release reads 1")
    return document


def read_record(run: Path) -> Record:
    """Reads a run folder.

    Raises:
        UserError: it is none, has no front yet, or one of its files is spoilt.
    """
    document = read_front(run)
    notes = _notes(run)
    settings = notes.get("settings") or {}
    target, fault = _target(settings)
    return Record(
        folder=run,
        document=document,
        trials=_trials(run, document),
        settings=settings,
        versions={name: str(value) for name, value in (notes.get("versions") or {}).items()},
        command=str(notes.get("command") or ""),
        target=target,
        target_fault=fault,
    )


def _notes(run: Path) -> dict[str, Any]:
    file = run / "run.yaml"
    if not file.is_file():
        return {}
    try:
        notes = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"'{file}' cannot be read as the settings of a run") from error
    return notes if isinstance(notes, dict) else {}


def _trials(run: Path, document: dict[str, Any]) -> tuple[TrialResult, ...]:
    """Those of trials.jsonl; the front alone where that file was not kept."""
    file = run / "trials.jsonl"
    try:
        lines = read_lines(file) if file.is_file() else [row | {"state": "complete"} for row in document["front"]]
        return tuple(TrialResult.from_json(line) for line in lines)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"'{file}' cannot be read as the trials of a run: {error}") from error


def _target(settings: dict[str, Any]) -> tuple[Target | None, str]:
    """The run's machines and network, from the files that its settings name."""
    try:
        names = [_file_or_name(settings, settings[name]) for name in ("device_profile", "server_profile", "network")]
        target = read_target(
            (names[0], names[1]),
            names[2],
            server_load=settings.get("server_load") or 0.0,
            uplink_mbps=settings.get("uplink_mbps"),
            rtt_ms=settings.get("rtt_ms"),
            asked=Asked(doubtful=True),  # whether to trust them was decided when the run began
        )
    except KeyError as error:
        return None, f"run.yaml does not name {error}"
    except UserError as error:
        return None, str(error)
    return target, ""


def _file_or_name(settings: dict[str, Any], value: str) -> str:
    path = Path(settings.get("directory") or ".") / value
    return str(path) if path.is_file() else value
