"""From a specification to a data set: choice, budget, notes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.data.selection import hold_out
from splitsearch.searcher.training.store import Store
from splitsearch.spaces.errors import UserError


def load(spec: str, **changes: Any) -> Dataset:
    settings: dict[str, Any] = {"image_size": None, "subset": None, "seed": 0, "data_dir": None}
    return load_dataset(spec, **{**settings, **changes})


def labels(data: Dataset) -> list[int]:
    return torch.bincount(data.train.labels).tolist()


@pytest.mark.parametrize(
    ("prefix", "fixture", "size", "counts", "classes"),
    [("folder", "photo_folder", 224, (10, 4), 2), ("npz", "archive", 8, (12, 6), 3), ("csv", "listed", 224, (4, 1), 5)],
)
def test_every_kind_on_disk_becomes_a_data_set(
    prefix: str, fixture: str, size: int, counts: tuple[int, int], classes: int, request: pytest.FixtureRequest
) -> None:
    spec = f"{prefix}:{request.getfixturevalue(fixture)}"
    data = load(spec)
    assert (data.name, data.image_size, len(data.classes)) == (spec, size, classes)
    assert (len(data.train), len(data.val)) == counts
    assert load(spec).fingerprint == data.fingerprint
    assert load(spec, image_size=9).fingerprint != data.fingerprint


def test_digits_are_held_out_the_same_way_for_every_seed() -> None:
    data, other = load("digits"), load("digits", seed=5)
    assert (data.image_size, len(data.train), len(data.val)) == (32, 1438, 359)
    assert data.notes == ("validation part held out of training: 20 % (359 images)",)
    assert data.fingerprint == other.fingerprint


def test_images_of_the_asked_size_stay_untouched(archive: Path) -> None:
    with np.load(archive) as arrays:
        expected = torch.from_numpy(arrays["train_images"]).permute(0, 3, 1, 2)
    assert torch.equal(load(f"npz:{archive}").train.images, expected)


def test_images_and_labels_belong_together(photo_folder: Path) -> None:
    data = load(f"folder:{photo_folder}", image_size=4, subset=7)
    assert [int(value >= 100) for value in data.train.images[:, 0, 0, 0]] == data.train.labels.tolist()


def test_without_val_a_part_of_training_is_held_out_and_never_trained_on(photo_folder: Path) -> None:
    shutil.rmtree(photo_folder / "val")
    data = load(f"folder:{photo_folder}", image_size=4)
    train, val = ({int(v) for v in part.images[:, 0, 0, 0]} for part in (data.train, data.val))
    assert len(data.val) == len(hold_out(np.repeat([0, 1], [6, 4]))[1]) == 2
    assert train.isdisjoint(val)
    assert len(train | val) == 10
    assert "held out of training: 20 %" in data.notes[0]


def test_a_subset_is_stratified_and_repeatable(photo_folder: Path) -> None:
    spec = f"folder:{photo_folder}"
    data = load(spec, image_size=4, subset=5)
    assert labels(data) == [3, 2]
    assert len(data.val) == 4
    assert load(spec, image_size=4, subset=5).fingerprint == data.fingerprint
    others = {load(spec, image_size=4, subset=5, seed=seed).fingerprint for seed in range(1, 6)}
    assert others != {data.fingerprint}


@pytest.mark.parametrize("subset", [0, -3, 13])
def test_a_subset_that_cannot_be_taken_names_both_numbers(subset: int, archive: Path) -> None:
    with pytest.raises(UserError, match=f"--subset {subset} must be 1 to 12,"):
        load(f"npz:{archive}", subset=subset)


def test_a_budget_limits_both_parts_and_says_so(archive: Path) -> None:
    data = load(f"npz:{archive}", max_bytes=8 * 192)
    assert (len(data.train), len(data.val)) == (6, 2)
    assert labels(data) == [2, 2, 2]
    assert data.notes[0].startswith("training images limited to 6 of 12 (")
    assert data.notes[0].endswith("): use --subset")
    assert data.notes[1].startswith("validation images limited to 2 of 6 (")


def test_validation_has_a_quarter_of_the_budget_only_when_the_budget_binds(archive: Path) -> None:
    exact = load(f"npz:{archive}", max_bytes=18 * 192)
    assert (len(exact.train), len(exact.val), exact.notes) == (12, 6, ())
    assert len(load(f"npz:{archive}", max_bytes=18 * 192 - 1).val) == 4


def test_a_limited_validation_part_is_the_same_for_every_seed(archive: Path) -> None:
    one, two = (load(f"npz:{archive}", max_bytes=8 * 192, seed=seed) for seed in (1, 2))
    assert torch.equal(one.val.images, two.val.images)
    assert not torch.equal(one.train.images, two.train.images)


def test_a_budget_for_less_than_two_images_is_refused(archive: Path) -> None:
    with pytest.raises(UserError, match="--image-size 8: not even two images fit"):
        load(f"npz:{archive}", max_bytes=2 * 192 - 1)
    assert len(load(f"npz:{archive}", max_bytes=2 * 192).train) == 1


def test_corrupt_images_are_skipped_and_counted(photo_folder: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/0.png", "val/dog/1.png"):
        (photo_folder / name).write_bytes(b"damaged")
    data = load(f"folder:{photo_folder}", image_size=4)
    assert (labels(data), len(data.val)) == ([5, 3], 3)
    assert data.notes[0].startswith("3 corrupt images skipped (the first is ")
    assert "1.png" in data.notes[0]


@pytest.mark.parametrize(("part", "count"), [("train", 10), ("val", 4)])
def test_a_part_without_a_readable_image_is_an_error(part: str, count: int, photo_folder: Path) -> None:
    for path in (photo_folder / part).rglob("*.png"):
        path.write_bytes(b"damaged")
    with pytest.raises(UserError, match=rf"none of the {count} {part}\w+ images of .* can be read") as error:
        load(f"folder:{photo_folder}")
    assert "\n" not in str(error.value)


def test_one_class_only_is_an_error(photo_folder: Path, archive: Path) -> None:
    shutil.rmtree(photo_folder / "train" / "dog")
    shutil.rmtree(photo_folder / "val" / "dog")
    with pytest.raises(UserError, match=r"one class only in training \('cat'\)"):
        load(f"folder:{photo_folder}")
    with np.load(archive) as arrays:
        np.savez(archive, **{**arrays, "train_labels": np.full(12, 2)})
    with pytest.raises(UserError, match=r"one class only in training \('2'\)"):
        load(f"npz:{archive}")


def test_single_images_cannot_be_held_out(tmp_path: Path, save_image: Callable[..., Path]) -> None:
    for name in "ab":
        save_image(tmp_path / "train" / name / "0.png")
    with pytest.raises(UserError, match="every class has one image only"):
        load(f"folder:{tmp_path}")


def test_validation_classes_without_training_images_are_told(listed: Path) -> None:
    assert load(f"csv:{listed}", image_size=4).notes == ("1 of the 1 validation classes have no training image",)


@pytest.mark.parametrize("size", [0, -1])
def test_an_image_size_below_one_is_refused(size: int) -> None:
    with pytest.raises(UserError, match=f"at least 1 pixel, not {size}"):
        load("digits", image_size=size)


def test_progress_tells_both_parts(archive: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    load(f"npz:{archive}", progress=lambda *step: seen.append(step))
    assert seen == [("training images", 12, 12), ("validation images", 6, 6)]


def test_an_unknown_data_set_gets_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"unknown data set 'digts'; did you mean 'digits'\?"):
        load("digts")


def test_more_images_than_memory_holds_are_mapped_where_the_cache_has_room(photo_folder: Path, tmp_path: Path) -> None:
    spec, one = f"folder:{photo_folder}", 3 * 4 * 4
    for _ in range(2):
        data = load(spec, image_size=4, max_bytes=8 * one, store=Store(tmp_path / "large"))
        assert (len(data.train), len(data.val), data.notes) == (10, 4, ())
    assert data.fingerprint == load(spec, image_size=4).fingerprint
    small = load(spec, image_size=4, max_bytes=8 * one, store=Store(tmp_path / "small", max_bytes=13 * one))
    assert (len(small.train), len(small.val)) == (6, 2)
    assert small.notes[0].endswith("--subset, or give the cache more room with --cache-gb")


def test_a_cache_that_fails_midway_leaves_the_limit(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    heard: list[str] = []
    data = load(
        f"folder:{photo_folder}", image_size=4, max_bytes=8 * 48, store=Store(tmp_path / "file", say=heard.append)
    )
    assert (len(data.train), len(data.val)) == (6, 2)
    assert len(heard) == 1


def test_a_proxy_size_keeps_the_real_one_and_its_validation_images(photo_folder: Path) -> None:
    spec = f"folder:{photo_folder}"
    data, real = load(spec, image_size=8, proxy_size=4), load(spec, image_size=8)
    assert (data.image_size, data.proxy_size, data.cost_size) == (4, 4, 8)
    assert (real.image_size, real.proxy_size, real.cost_size, real.full_val) == (8, None, 8, None)
    assert data.fingerprint == load(spec, image_size=4).fingerprint
    assert data.full_val is not None
    assert torch.equal(data.full_val.images, real.val.images)


@pytest.mark.parametrize("proxy", [0, 8, 9])
def test_a_proxy_size_must_be_below_the_real_one(proxy: int, photo_folder: Path) -> None:
    with pytest.raises(UserError, match=f"--proxy-image-size {proxy} must be 1 to 7: below the image size of 8"):
        load(f"folder:{photo_folder}", image_size=8, proxy_size=proxy)


def test_photographs_may_be_mirrored_and_digits_not(photo_folder: Path, archive: Path) -> None:
    assert load(f"folder:{photo_folder}", image_size=4).flips
    assert not load("digits").flips
    assert not load(f"npz:{archive}").flips
