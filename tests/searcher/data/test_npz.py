"""Data sets in one NumPy archive, and what is refused there."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splitsearch.searcher.data.npz import open_npz
from splitsearch.spaces.errors import UserError


def rewrite(path: Path, **changes: Any) -> str:
    """Replaces arrays of an archive; None drops one."""
    with np.load(path) as archive:
        arrays = {**archive, **changes}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return str(path)


def test_the_arrays_are_read(archive: Path) -> None:
    pair = open_npz(str(archive), None)
    assert pair.val is not None
    assert (len(pair.train), len(pair.val), pair.default_size, pair.classes) == (12, 6, 8, ("0", "1", "2"))
    with np.load(archive) as arrays:
        assert np.array_equal(pair.val.image(3), arrays["val_images"][3])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_labels_may_be_integers_of_any_width_and_a_column(dtype: type[np.integer[Any]], archive: Path) -> None:
    labels = (np.arange(12) % 3).astype(dtype).reshape(12, 1)
    assert open_npz(rewrite(archive, train_labels=labels), None).train.labels().tolist() == [0, 1, 2] * 4


def test_a_class_may_occur_in_validation_only(archive: Path) -> None:
    assert len(open_npz(rewrite(archive, val_labels=np.full(6, 9)), None).classes) == 10


class Bomb:
    """Unpickling this would leave a file behind."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def test_test_arrays_are_never_read(archive: Path) -> None:
    path = rewrite(archive, test_images=np.array([Bomb()], dtype=object))
    assert len(open_npz(path, None).train) == 12


@pytest.mark.parametrize("key", ["train_images", "val_labels"])
def test_pickled_arrays_are_refused_without_running_them(
    key: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = rewrite(archive, **{key: np.array([Bomb()], dtype=object)})
    with pytest.raises(UserError, match="damaged, or of pickled objects"):
        open_npz(path, None)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val_labels": None}, "lacks the array 'val_labels'; it holds: train_images"),
        ({"train_images": np.zeros((12, 8, 8, 3))}, r"train_images .* not float64 \(12, 8, 8, 3\)"),
        ({"train_images": np.zeros((12, 3, 8, 8), np.uint8)}, r"must be uint8 \(N, height, width, 3\), not"),
        ({"val_images": np.zeros((6, 8, 8), np.uint8)}, "val_images"),
        ({"val_images": np.zeros((0, 8, 8, 3), np.uint8)}, "val_images"),
        ({"train_labels": np.zeros(12)}, "train_labels .* must be integers .* not float64"),
        ({"train_labels": np.zeros((12, 2), int)}, r"must be integers \(N,\), not int64 \(12, 2\)"),
        ({"train_labels": np.zeros(11, int)}, "12 train_images, but 11 train_labels"),
        ({"val_labels": np.full(6, -1)}, "label -1 is out of range"),
        ({"val_labels": np.full(6, 2**64 - 1, np.uint64)}, "is out of range"),
    ],
)
def test_a_wrong_array_is_one_line(changes: dict[str, Any], message: str, archive: Path) -> None:
    with pytest.raises(UserError, match=message) as error:
        open_npz(rewrite(archive, **changes), None)
    assert "\n" not in str(error.value)


def test_files_that_are_no_archive_are_refused(archive: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(UserError, match="is one NumPy array"):
        open_npz(str(tmp_path / "one.npy"), None)
    for content in (b"", b"text", archive.read_bytes()[:1000]):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(UserError, match="damaged, or of pickled objects"):
            open_npz(str(tmp_path / "bad.npz"), None)
