"""`training.yaml` of a training's folder: what was asked for, and what data and teacher have to be when it goes on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from splitsearch.searcher.agreement import versions
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.fulltrain.settings import TrainSettings, read_train_settings
from splitsearch.searcher.settings import dump_yaml
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

__all__ = ["RECORD", "Record", "read_record", "require_agreement", "write_record"]

RECORD = "training.yaml"
_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a training was begun with.

    Attributes:
        config: the candidate.
        settings: of the training.
        data: fingerprint of the images.
        teacher: digest of its weights.
        versions: of the programs.
    """

    config: SplitConfig
    settings: TrainSettings
    data: str
    teacher: str
    versions: dict[str, str]


def write_record(out: Path, material: Material, command: str) -> None:
    """Writes training.yaml.

    Raises:
        UserError: the folder cannot be written.
    """
    document = {
        "schema": _SCHEMA,
        "config": material.export.config.to_json(),
        "settings": material.settings.to_json(),
        "data": material.data.fingerprint,
        "teacher": material.digest,
        "versions": versions(),
        "command": command,
    }
    try:
        write_atomic(out / RECORD, dump_yaml(document))
    except OSError as error:
        raise UserError(f"'{out}' cannot be written: {error.strerror}") from error


def read_record(out: Path) -> Record:
    """Reads training.yaml.

    Raises:
        UserError: there is none, it cannot be read, or is of another release.
    """
    path = out / RECORD
    if not path.is_file():
        raise UserError(f"'{out}' holds no training to resume; leave --resume out to begin one")
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"'{path}' cannot be read as YAML") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != _SCHEMA:
        raise UserError(f"'{path}' has schema {schema!r}, this release reads {_SCHEMA}: begin anew with another -o")
    try:
        return Record(
            config=SplitConfig.from_json(data["config"]),
            settings=read_train_settings(data["settings"], path),
            data=data["data"],
            teacher=data["teacher"],
            versions=data["versions"],
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"'{path}' lacks the field {error}: begin anew with another -o") from error


def require_agreement(record: Record, material: Material, out: Path) -> None:
    """Refuses to go on with another candidate, other images or another teacher.

    Raises:
        UserError: something differs; the message says what.
    """
    config = material.export.config
    # A threshold is chosen after a training, too, and changes no weight.
    if replace(record.config, exit_threshold=config.exit_threshold) != config:
        raise UserError(
            f"'{out}' is the training of another candidate ({record.config}, not {config}): take another -o"
        )
    for name, begun, found in (
        ("images", record.data, material.data.fingerprint),
        ("weights of the teacher", record.teacher, material.digest),
    ):
        if begun != found:
            raise UserError(
                f"the training in '{out}' was begun with other {name} ({begun[:8]} there, {found[:8]} here): "
                "begin anew with another -o"
            )
