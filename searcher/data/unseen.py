"""The test part of a data set, where it has one: images that neither training nor selection saw."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from splitsearch.searcher.data.files import SUFFIXES, FileSource
from splitsearch.searcher.data.source import ArraySource, ImageSource
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["open_test"]

_DAMAGE = (ValueError, OSError, EOFError, RuntimeError, MemoryError)


def open_test(spec: str, classes: tuple[str, ...]) -> ImageSource | None:
    """Finds the test images of a data set; None where there are none, as in those that torchvision brings.

    Args:
        spec: `folder:DIR` (`DIR/test/<class>/*`), `npz:FILE` (`test_images`, `test_labels`) or `csv:DIR` (`test.csv`).
        classes: of the data set, in the order of the labels.

    Raises:
        UserError: the part is empty, damaged, or has a class that the data set lacks.
    """
    kind, _, argument = spec.partition(":")
    opener = _OPENERS.get(kind)
    return opener(Path(argument).expanduser(), classes) if opener is not None else None


def _folder(root: Path, classes: tuple[str, ...]) -> ImageSource | None:
    part = root / "test"
    if not part.is_dir():
        return None
    rows: list[tuple[Path, int]] = []
    for folder in sorted(entry for entry in part.iterdir() if entry.is_dir() and entry.name[0] != "."):
        label = _label(folder.name, classes, f"'{part}'")
        rows += [(path, label) for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    return _files(rows, str(part))


def _csv(root: Path, classes: tuple[str, ...]) -> ImageSource | None:
    file = root / "test.csv"
    if not file.is_file():
        return None
    rows = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            for record in csv.DictReader(opened):
                name, text = ((record.get(column) or "").strip() for column in ("path", "label"))
                if not name or not text:
                    raise UserError(f"'{file}': each line is path,label")
                rows.append((root / name, _label(_number(text), classes, f"'{file}'")))
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"'{file}' is not a CSV file in UTF-8") from error
    return _files(rows, str(file))


def _npz(file: Path, classes: tuple[str, ...]) -> ImageSource | None:
    try:
        with file.open("rb") as opened:
            archive = np.load(opened, allow_pickle=False)
            if "test_images" not in archive:
                return None
            pixels, labels = archive["test_images"], archive["test_labels"].reshape(-1)
    except (*_DAMAGE, KeyError) as error:
        raise UserError(f"the test part of '{file}' cannot be read: test_images needs test_labels beside it") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3 or len(pixels) != len(labels):
        raise UserError(f"test_images in '{file}' must be uint8 (N, height, width, 3) with N test_labels")
    if not len(labels) or labels.min() < 0 or labels.max() >= len(classes):
        raise UserError(f"test_labels in '{file}' must be 0 to {len(classes) - 1}")
    return ArraySource(pixels, labels.astype(np.int64))


_OPENERS: dict[str, Callable[[Path, tuple[str, ...]], ImageSource | None]] = {
    "folder": _folder,
    "csv": _csv,
    "npz": _npz,
}


def _number(text: str) -> str:
    """Integer labels name classes whatever their zeros in front."""
    return str(int(text)) if text.lstrip("+").isdecimal() and len(text) < 19 else text


def _label(name: str, classes: tuple[str, ...], where: str) -> int:
    if name not in classes:
        raise UserError(f"class '{name}' in {where} is none of the data set{nearest(name, classes)}")
    return classes.index(name)


def _files(rows: list[tuple[Path, int]], where: str) -> FileSource:
    if not rows:
        raise UserError(f"'{where}' names no images")
    return FileSource(tuple(path for path, _ in rows), np.array([label for _, label in rows], dtype=np.int64))
