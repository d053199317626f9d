"""`cifar10` and `cifar100`: torchvision's copies, downloaded when absent and a network is there."""

import contextlib
import sys
import urllib.request
import warnings
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from splitsearch.searcher.data.registry import dataset
from splitsearch.searcher.data.source import ArraySource, SourcePair, reason
from splitsearch.spaces.errors import UserError

__all__ = ["open_cifar10", "open_cifar100"]

PATIENCE_S = 10.0
NOTE = "validation images are the published test images, for want of a validation part"


@dataset("cifar10", flips=True)
def open_cifar10(_argument: str, data_dir: Path | None) -> SourcePair:
    """Opens CIFAR-10 in `data_dir`.

    Raises:
        UserError: it is not there and cannot be downloaded.
    """
    from torchvision.datasets import CIFAR10

    return _open("cifar10", CIFAR10, data_dir)


@dataset("cifar100", flips=True)
def open_cifar100(_argument: str, data_dir: Path | None) -> SourcePair:
    """Opens CIFAR-100 with its 100 fine classes in `data_dir`.

    Raises:
        UserError: it is not there and cannot be downloaded.
    """
    from torchvision.datasets import CIFAR100

    return _open("cifar100", CIFAR100, data_dir)


def _open(name: str, kind: Any, data_dir: Path | None) -> SourcePair:
    if data_dir is None:
        raise UserError(f"data set '{name}' needs --data-dir DIR: its files lie in, or are put into, {_place(kind)}")
    train, val = _read(name, kind, data_dir)
    sources = [ArraySource(part.data, np.asarray(part.targets, dtype=np.int64)) for part in (train, val)]
    return SourcePair(
        train=sources[0],
        val=sources[1],
        classes=tuple(train.classes),
        default_size=sources[0].native_size,
        notes=(NOTE,),
    )


def _read(name: str, kind: Any, data_dir: Path) -> tuple[Any, Any]:
    with contextlib.suppress(RuntimeError):  # torchvision's word for absent or damaged
        return _both(kind, data_dir, download=False)
    absent = f"data set '{name}' is not in '{data_dir}' (or its checksums differ)"
    remedy = f"put torchvision's files into {_place(kind, str(data_dir))}"
    if not _reachable(kind.url):
        raise UserError(f"{absent} and {kind.url} cannot be reached: {remedy}")
    try:
        return _both(kind, data_dir, download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        raise UserError(f"{absent} and downloading it failed ({reason(error)}): {remedy}") from error


def _both(kind: Any, data_dir: Path, *, download: bool) -> tuple[Any, Any]:
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        # The published pickles are older than NumPy's deprecations; torchvision checks their MD5 before reading.
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
        return kind(data_dir, train=True, download=download), kind(data_dir, train=False, download=download)


def _place(kind: Any, folder: str = "DIR") -> str:
    return f"{folder}/{kind.base_folder}"


def _reachable(url: str) -> bool:
    """Tells in a few seconds whether `url` answers, through a proxy too; torchvision itself would wait for ever."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=PATIENCE_S):
            return True
    except (OSError, HTTPException):
        return False
