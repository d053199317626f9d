"""Data sets of one folder per class."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from splitsearch.searcher.data.folder import open_folder
from splitsearch.spaces.errors import UserError


def test_classes_are_the_sorted_folders_and_labels_their_places(photo_folder: Path) -> None:
    pair = open_folder(str(photo_folder), None)
    assert pair.val is not None
    assert pair.classes == ("cat", "dog")
    assert pair.train.labels().tolist() == [0] * 6 + [1] * 4
    assert pair.val.labels().tolist() == [0, 0, 1, 1]
    assert pair.train.image(6).mean() == 100  # the first dog


def test_other_files_and_hidden_ones_are_ignored(photo_folder: Path) -> None:
    (photo_folder / "train" / ".cache").mkdir()
    (photo_folder / "train" / "cat" / "notes.txt").write_text("x")
    (photo_folder / "train" / "cat" / "._0.png").write_text("x")
    assert len(open_folder(str(photo_folder), None).train) == 10


def test_a_folder_without_val_has_no_validation_source(photo_folder: Path) -> None:
    shutil.rmtree(photo_folder / "val")
    assert open_folder(str(photo_folder), None).val is None


def test_a_validation_class_may_be_absent_but_not_new(photo_folder: Path, save_image: Callable[..., Path]) -> None:
    shutil.rmtree(photo_folder / "val" / "cat")
    pair = open_folder(str(photo_folder), None)
    assert pair.val is not None
    assert pair.val.labels().tolist() == [1, 1]
    save_image(photo_folder / "val" / "dgo" / "0.png")
    with pytest.raises(UserError, match=r"class 'dgo' .*did you mean 'dog'"):
        open_folder(str(photo_folder), None)


def test_missing_and_empty_folders_are_named(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    with pytest.raises(UserError, match=r"no folder .*train.*DIR/train/<class>"):
        open_folder(str(tmp_path / "flat"), None)
    (tmp_path / "flat" / "train").mkdir()
    with pytest.raises(UserError, match="is empty"):
        open_folder(str(tmp_path / "flat"), None)
    (photo_folder / "train" / "emu").mkdir()
    with pytest.raises(UserError, match="emu' holds no images"):
        open_folder(str(photo_folder), None)
