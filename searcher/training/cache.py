"""The cache folder: content-addressed, checked on reading, safe to delete and to share between processes.

Here stand its small entries, such as teachers, which are read whole; large arrays are in `store`, in the same folder.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from splitsearch.searcher.training.blocks import as_bytes

__all__ = ["Cache", "Say", "default_cache_dir", "module_digest", "replace_file", "unheard"]

Say = Callable[[str], None]
"""Hears a sentence for the user."""


def unheard(_text: str) -> None:
    """Stands in where nobody listens."""


def default_cache_dir() -> Path:
    """`SPLITSEARCH_CACHE`, else the user's cache folder."""
    named = os.environ.get("SPLITSEARCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(named) if named else Path(base) / "splitsearch"


def module_digest(module: nn.Module) -> str:
    """Hash of a network's weights and of the layers and calls that use them."""
    digest = hashlib.sha256(f"{module}{getattr(module, 'graph', '')}".encode())
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(as_bytes(value).data)
    return digest.hexdigest()


class Cache:
    """Tensors by the hash of what made them; an entry that was altered or cut short is not there.

    A folder that cannot be written, or a full disk, costs the entry and no more: `say` hears of it once.
    """

    def __init__(self, folder: Path, say: Say = unheard) -> None:
        self.folder = folder
        self._say = say
        self._complained = False

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
            if not isinstance(facts, dict) or facts.pop("sha256", None) != _checksum(data, facts):
                return None
            return load(data), facts
        except (OSError, ValueError, SafetensorError):
            return None

    def write(self, kind: str, key: dict[str, Any], tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        """Stores an entry; the checksum is written last, so that a half-written entry is no entry."""
        path = self.path(kind, key)
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        checked = facts | {"sha256": _checksum(data, facts)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)
            replace_file(path.with_suffix(".json"), json.dumps(checked).encode())
        except OSError as error:
            if not self._complained:
                self._say(f"the cache in '{self.folder}' cannot be written ({error.strerror or error}): kept nowhere")
            self._complained = True


def _checksum(data: bytes, facts: dict[str, Any]) -> str:
    """Over tensors and facts: an altered accuracy is as wrong as an altered weight."""
    return hashlib.sha256(data + json.dumps(facts, sort_keys=True).encode()).hexdigest()


def replace_file(path: Path, data: bytes) -> None:
    """Writes beside the place and moves there: readers see the old content or the new, never a part.

    Raises:
        OSError: there is no room, or the folder cannot be written; nothing is left behind.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
