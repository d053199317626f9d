"""`folder:DIR`: one sub-folder per class, `DIR/train/<class>/*` and, if they are there, `DIR/val` and `DIR/test`."""

from functools import partial
from pathlib import Path

import numpy as np

from splitsearch.searcher.data.files import SUFFIXES, FileSource
from splitsearch.searcher.data.registry import dataset
from splitsearch.searcher.data.source import SourcePair
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["open_folder"]


@dataset("folder", argument="DIR", flips=True)
def open_folder(argument: str, _data_dir: Path | None) -> SourcePair:
    """Opens DIR; the classes are the sorted names of the training folders, files of other types are ignored.

    Raises:
        UserError: there is no `DIR/train`, a part or a class is empty, or `val` has a class that `train` lacks.
    """
    root = Path(argument).expanduser()
    if not (root / "train").is_dir():
        raise UserError(f"no folder '{root / 'train'}': folder:DIR reads DIR/train/<class>/* and DIR/val/<class>/*")
    classes = _class_names(root / "train")
    val_root, test_root = root / "val", root / "test"
    return SourcePair(
        train=_part(root / "train", classes),
        val=_part(val_root, classes) if val_root.is_dir() else None,
        classes=classes,
        test=partial(_part, test_root, classes) if test_root.is_dir() else None,
    )


def _class_names(part: Path) -> tuple[str, ...]:
    names = tuple(sorted(entry.name for entry in part.iterdir() if entry.is_dir() and entry.name[0] != "."))
    if not names:
        raise UserError(f"'{part}' is empty: it must hold one folder of images per class")
    return names


def _part(part: Path, classes: tuple[str, ...]) -> FileSource:
    paths: list[Path] = []
    labels: list[int] = []
    for name in _class_names(part):
        if name not in classes:
            raise UserError(f"class '{name}' in '{part}' has no folder in training{nearest(name, classes)}")
        images = _images(part / name)
        paths += images
        labels += [classes.index(name)] * len(images)
    return FileSource(tuple(paths), np.array(labels, dtype=np.int64), part)


def _images(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    if not found:
        raise UserError(f"class folder '{folder}' holds no images ({', '.join(sorted(SUFFIXES))})")
    return found
