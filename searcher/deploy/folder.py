"""An export folder as it is read: whole, unchanged, and of this release."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from splitsearch.searcher.deploy.manifest import Manifest, file_hash, read_manifest, write_manifest
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.settings import dump_yaml
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

__all__ = ["CONFIG", "CONFIG_SCHEMA", "ExportFolder", "config_text", "open_export"]

CONFIG = "config.yaml"
CONFIG_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFolder:
    """A folder whose files are those that were exported.

    Attributes:
        path: where it lies.
        manifest: what it says of itself.
        config: the candidate.
        settings: of the run that it is from, as plain data: `RunSettings`.
    """

    path: Path
    manifest: Manifest
    config: SplitConfig
    settings: dict[str, Any]

    @property
    def has_onnx(self) -> bool:
        """Whether it holds ONNX files."""
        return "head.onnx" in self.manifest.files

    @property
    def has_parts(self) -> bool:
        """Whether the head lies there in two parts too, so that an image may stop at the exit."""
        return self.manifest.head_parts is not None

    def retuned(self, threshold: float) -> "ExportFolder":
        """Writes another threshold of the exit into the folder, weights unchanged."""
        assert self.manifest.exit is not None
        config = replace(self.config, exit_threshold=threshold)
        write_atomic(self.path / CONFIG, config_text(config, self.settings, self.manifest.trial))
        files = self.manifest.files | {CONFIG: file_hash(self.path / CONFIG)}
        changed = self.manifest.exit.model_copy(update={"threshold": threshold})
        manifest = self.manifest.model_copy(update={"exit": changed, "files": files})
        write_manifest(self.path, manifest)
        return replace(self, manifest=manifest, config=config)


def config_text(config: SplitConfig, settings: dict[str, Any], trial: int) -> str:
    """config.yaml: the candidate, and the settings of the run that it is from, with which it can be trained on."""
    return dump_yaml({"schema": CONFIG_SCHEMA, "trial": trial, "config": config.to_json(), "settings": settings})


def open_export(path: Path) -> ExportFolder:
    """Reads an export folder and compares every file with its checksum.

    Raises:
        UserError: it is none, is of another release, or a file is missing or was changed.
    """
    manifest = read_manifest(path)
    for name, expected in manifest.files.items():
        file = path / name
        if Path(name).name != name or not file.is_file():
            raise UserError(f"'{path}' lacks the file '{name}' that its manifest names: export the trial again")
        if (found := file_hash(file)) != expected:
            raise UserError(
                f"'{file}' was changed: its SHA-256 is {found[:16]}…, the manifest says {expected[:16]}…; "
                "export the trial again"
            )
    config, settings = _config(path / CONFIG)
    return ExportFolder(path=path, manifest=manifest, config=config, settings=settings)


def _config(path: Path) -> tuple[SplitConfig, dict[str, Any]]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"'{path}' cannot be read as YAML") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != CONFIG_SCHEMA:
        raise UserError(f"'{path}' has schema {schema!r}, this release reads {CONFIG_SCHEMA}: export the trial again")
    return SplitConfig.from_json(data["config"]), data["settings"]
