"""`npz:FILE`: arrays in one NumPy archive. Pickled objects are refused; `test_*` are read for the test part alone."""

import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from splitsearch.searcher.data.labelling import check_label, numbered_classes
from splitsearch.searcher.data.registry import dataset
from splitsearch.searcher.data.source import ArraySource, IntArray, PixelArray, SourcePair
from splitsearch.spaces.errors import UserError

__all__ = ["open_npz"]

KEYS = ("train_images", "train_labels", "val_images", "val_labels")
TEST_KEYS = ("test_images", "test_labels")

DAMAGE = (ValueError, OSError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What NumPy raises on an archive that is cut short, altered, encrypted, or of pickled objects."""


@dataset("npz", argument="FILE")
def open_npz(argument: str, _data_dir: Path | None) -> SourcePair:
    """Reads FILE: images uint8 (N, H, W, 3), labels integers (N,) or (N, 1); classes are 0 … the largest label.

    Raises:
        UserError: FILE is missing, damaged, pickled, lacks an array, or holds a wrong dtype, shape or label.
    """
    path = Path(argument).expanduser()
    if not path.is_file():
        raise UserError(f"no file '{path}': npz:FILE reads a NumPy archive with {', '.join(KEYS)}")
    names, arrays = _read(path, KEYS)
    parts = [_part(arrays, part, path) for part in ("train", "val")]
    classes = numbered_classes(max(int(source.targets.max()) for source in parts))
    return SourcePair(
        train=parts[0],
        val=parts[1],
        classes=classes,
        default_size=parts[0].native_size,
        test=partial(_test, path) if "test_images" in names else None,
    )


def _test(path: Path) -> ArraySource:
    return _part(_read(path, TEST_KEYS)[1], "test", path)


def _part(arrays: dict[str, npt.NDArray[Any]], part: str, path: Path) -> ArraySource:
    source = ArraySource(_pixels(arrays, part, path), _targets(arrays, part, path))
    if len(source.pixels) != len(source):
        raise UserError(f"'{path}' has {len(source.pixels)} {part}_images, but {len(source)} {part}_labels")
    return source


def _read(path: Path, keys: tuple[str, ...]) -> tuple[list[str], dict[str, npt.NDArray[Any]]]:
    """Returns the names of all arrays, and those that are asked for."""
    try:
        with path.open("rb") as file:  # NumPy leaves its own file open when it raises
            return _pick(np.load(file, allow_pickle=False), path, keys)
    except DAMAGE as error:
        # NumPy's own text is not passed on: for pickled objects it advises to load them unsafely.
        raise UserError(
            f"'{path}' is no NumPy archive, damaged, or of pickled objects, which are refused: save it with np.savez"
        ) from error


def _pick(archive: Any, path: Path, keys: tuple[str, ...]) -> tuple[list[str], dict[str, npt.NDArray[Any]]]:
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise UserError(f"'{path}' is one NumPy array: npz:FILE needs an archive with {', '.join(KEYS)}")
    for key in keys:
        if key not in archive:
            raise UserError(f"'{path}' lacks the array '{key}'; it holds: {', '.join(archive) or 'nothing'}")
    return list(archive), {key: np.asarray(archive[key]) for key in keys}


def _pixels(arrays: dict[str, npt.NDArray[Any]], part: str, path: Path) -> PixelArray:
    pixels = arrays[f"{part}_images"]
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3 or 0 in pixels.shape:
        raise UserError(
            f"{part}_images in '{path}' must be uint8 (N, height, width, 3), not {pixels.dtype} {pixels.shape}"
        )
    return pixels


def _targets(arrays: dict[str, npt.NDArray[Any]], part: str, path: Path) -> IntArray:
    labels = arrays[f"{part}_labels"]
    if labels.dtype.kind not in "iu" or labels.size == 0 or labels.shape not in {(labels.size,), (labels.size, 1)}:
        raise UserError(f"{part}_labels in '{path}' must be integers (N,), not {labels.dtype} {labels.shape}")
    for label in (int(labels.min()), int(labels.max())):
        check_label(label, f"{part}_labels in '{path}'")
    return labels.reshape(-1).astype(np.int64)
