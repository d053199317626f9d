"""The cache folder: content-addressed, checked on reading, safe to delete and to share between processes."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

__all__ = ["Cache", "default_cache_dir"]


def default_cache_dir() -> Path:
    """`SPLITSEARCH_CACHE`, else the user's cache folder."""
    named = os.environ.get("SPLITSEARCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(named) if named else Path(base) / "splitsearch"


class Cache:
    """Tensors by the hash of what made them; an entry that was altered or cut short is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, key: dict[str, Any]) -> Path:
        """Where the entry for a key lies; `key` is plain JSON data that determines the content."""
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / kind / f"{name}.safetensors"

    def read(self, kind: str, key: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
        """Returns tensors and facts about them, or None if there are none that can be trusted."""
        path = self.path(kind, key)
        try:
            facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            data = path.read_bytes()
        except (OSError, ValueError):
            return None
        if hashlib.sha256(data).hexdigest() != facts.pop("sha256", None):
            return None
        return load(data), facts

    def write(self, kind: str, key: dict[str, Any], tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        """Stores an entry; the checksum is written last, so that a half-written entry is no entry."""
        path = self.path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        _replace(path, data)
        checked = facts | {"sha256": hashlib.sha256(data).hexdigest()}
        _replace(path.with_suffix(".json"), json.dumps(checked).encode())


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
