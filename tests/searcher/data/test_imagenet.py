"""ImageNet in torchvision's layout."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from splitsearch.searcher.data.imagenet import open_imagenet
from splitsearch.spaces.errors import UserError


@pytest.fixture
def imagenet(tmp_path: Path, save_image: Callable[..., Path]) -> Path:
    for part, count in (("train", 2), ("val", 1)):
        for wnid in ("n02", "n01"):
            for i in range(count):
                save_image(tmp_path / part / wnid / f"{i}.JPEG")
    names = {"n01": ("tench", "Tinca tinca"), "n02": ("goldfish", "Carassius auratus")}
    torch.save((names, ["n01", "n02"]), tmp_path / "meta.bin")
    return tmp_path


def test_torchvisions_layout_is_read_in_the_order_of_the_wordnet_ids(imagenet: Path) -> None:
    pair = open_imagenet("", imagenet)
    assert pair.val is not None
    assert pair.classes == ("tench", "goldfish")
    assert pair.train.labels().tolist() == [0, 0, 1, 1]
    assert pair.val.labels().tolist() == [0, 1]
    assert pair.train.image(0).shape == (12, 10, 3)


@pytest.mark.parametrize("missing", ["train", "val"])
def test_a_missing_part_is_named_and_nothing_is_unpacked(missing: str, imagenet: Path) -> None:
    shutil.rmtree(imagenet / missing)
    with pytest.raises(UserError, match=f"folder '{missing}' is missing"):
        open_imagenet("", imagenet)


def test_missing_class_names_are_a_message(imagenet: Path) -> None:
    (imagenet / "meta.bin").unlink()
    with pytest.raises(UserError, match=r"cannot read ImageNet's train .*devkit"):
        open_imagenet("", imagenet)


def test_parts_with_different_classes_would_shift_labels_and_are_refused(imagenet: Path) -> None:
    shutil.rmtree(imagenet / "val" / "n01")
    with pytest.raises(UserError, match="'n01' is in one of them only"):
        open_imagenet("", imagenet)


def test_a_missing_data_dir_is_asked_for() -> None:
    with pytest.raises(UserError, match="needs --data-dir DIR"):
        open_imagenet("", None)
