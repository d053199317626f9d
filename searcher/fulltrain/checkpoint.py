"""Where a full training stands, as one file: weights, moments, average and what was seen, written in one move.

Whatever kills the process, the file is the old checkpoint or the new one. It is safetensors with facts in its header,
and a checksum over both: nothing in it is ever unpickled, and one that was altered or cut short is refused.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from splitsearch.searcher.engine.files import write_bytes_atomic
from splitsearch.searcher.training.blocks import as_bytes
from splitsearch.spaces.errors import UserError

__all__ = ["Tensors", "read_checkpoint", "write_checkpoint"]

Tensors = dict[str, torch.Tensor]


def write_checkpoint(path: Path, tensors: Tensors, facts: dict[str, Any]) -> None:
    """Writes a checkpoint in place of the one before.

    Args:
        path: of the file.
        tensors: by name.
        facts: plain JSON data.

    Raises:
        UserError: the disk is full, or the folder cannot be written; the one before is still there.
    """
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    try:
        write_bytes_atomic(path, save(kept, {"facts": text, "sha256": _checksum(kept, text)}))
    except OSError as error:
        raise UserError(f"'{path}' cannot be written: {error.strerror or error}; what was kept before stays") from error


def read_checkpoint(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Reads what `write_checkpoint` wrote.

    Raises:
        UserError: it was altered or cut short.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        if header.get("sha256") == _checksum(tensors, header["facts"]):
            return tensors, json.loads(header["facts"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"'{path}' is no checkpoint that can be read: begin anew with another -o") from error
    raise UserError(f"'{path}' was changed since it was written: begin anew with another -o")


def _checksum(tensors: Tensors, facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(as_bytes(tensor).data)
    return digest.hexdigest()
