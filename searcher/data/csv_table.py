"""`csv:DIR`: `train.csv`, `val.csv` and, if it is there, `test.csv` with the columns `path,label`, relative to DIR."""

import csv
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from splitsearch.searcher.data.files import FileSource
from splitsearch.searcher.data.labelling import check_label, numbered_classes
from splitsearch.searcher.data.registry import dataset
from splitsearch.searcher.data.source import SourcePair, reason
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["open_csv"]

COLUMNS = ("path", "label")
INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class _Row:
    """One image: its file, its label as written, and `train.csv line 7` for messages."""

    path: Path
    label: str
    where: str


@dataset("csv", argument="DIR")
def open_csv(argument: str, _data_dir: Path | None) -> SourcePair:
    """Opens DIR. All labels integers: classes are 0 … the largest; else the sorted labels of both files.

    A class may occur in one of the files only.

    Raises:
        UserError: a file, a column or a value is missing, or an integer label is out of range.
    """
    root = Path(argument).expanduser()
    train, val = _rows(root, "train.csv"), _rows(root, "val.csv")
    index, classes = _classes([*train, *val])
    return SourcePair(
        train=_source(train, index, root),
        val=_source(val, index, root),
        classes=classes,
        test=partial(_test, root, classes) if (root / "test.csv").is_file() else None,
    )


def _test(root: Path, classes: tuple[str, ...]) -> FileSource:
    rows = _rows(root, "test.csv")
    index = {name: i for i, name in enumerate(classes)}
    if all(INTEGER.fullmatch(name) for name in classes):  # 007 is class 7
        index |= {row.label: int(row.label) for row in rows if INTEGER.fullmatch(row.label) and len(row.label) <= 18}
    for row in rows:
        if not 0 <= index.get(row.label, -1) < len(classes):
            hint = nearest(row.label[:18], classes)
            raise UserError(f"{row.where}: label '{row.label[:18]}' is in neither train.csv nor val.csv{hint}")
    return _source(rows, index, root)


def _source(rows: list[_Row], index: dict[str, int], root: Path) -> FileSource:
    labels = np.array([index[row.label] for row in rows], dtype=np.int64)
    return FileSource(tuple(row.path for row in rows), labels, root)


def _classes(rows: list[_Row]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Returns the class index of every label as written, and the class names."""
    if not all(INTEGER.fullmatch(row.label) for row in rows):
        names = tuple(sorted({row.label for row in rows}))
        return {name: i for i, name in enumerate(names)}, names
    index: dict[str, int] = {}
    for row in rows:
        if len(row.label) > 18:  # more digits than int64, and than int() wants to parse
            raise UserError(f"{row.where}: label {row.label[:18]}… is out of range")
        check_label(int(row.label), row.where)
        index[row.label] = int(row.label)
    return index, numbered_classes(max(index.values()))


def _rows(root: Path, name: str) -> list[_Row]:
    path = root / name
    if not path.is_file():
        raise UserError(f"no file '{path}': csv:DIR reads DIR/train.csv and DIR/val.csv with the columns path,label")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _parse(csv.DictReader(file), root, path)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"'{path}' is not a CSV file in UTF-8: {reason(error)}") from error
    if not rows:
        raise UserError(f"'{path}' names no images: it needs one line path,label per image")
    return rows


def _parse(reader: "csv.DictReader[str]", root: Path, path: Path) -> list[_Row]:
    header = reader.fieldnames or ()
    for column in COLUMNS:
        if column not in header:
            raise UserError(f"'{path}' lacks the column '{column}'; its first line is '{','.join(header)}'")
    return [_row(record, root, f"'{path}' line {reader.line_num}") for record in reader]


def _row(record: dict[str, str | None], root: Path, where: str) -> _Row:
    name, label = ((record[column] or "").strip() for column in COLUMNS)
    if not name or not label:
        raise UserError(f"{where} lacks a {'label' if name else 'path'}: each line is path,label")
    if not (root / name).is_file():
        raise UserError(f"{where}: no file '{name}' in '{root}'; paths are relative to it")
    return _Row(root / name, label, where)
