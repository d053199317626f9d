"""Test parts: read when they are asked for by name, and by nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from splitsearch.searcher.data import load_test as module
from splitsearch.searcher.data.load_test import has_test, load_test
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.training.store import Store
from splitsearch.spaces.errors import UserError


@pytest.fixture
def with_test(archive: Path) -> Path:
    with np.load(archive) as arrays:
        images = np.full((5, 8, 8, 3), 9, dtype=np.uint8)
        np.savez(archive, **arrays, test_images=images, test_labels=np.array([2, 1, 0, 0, 1]))
    return archive


def test_arrays(with_test: Path) -> None:
    assert has_test(f"npz:{with_test}")
    part = load_test(f"npz:{with_test}")
    assert part.images.shape == (5, 3, 8, 8)
    assert int(part.images.max()) == 9
    assert part.labels.tolist() == [2, 1, 0, 0, 1]
    assert load_test(f"npz:{with_test}", image_size=4).images.shape == (5, 3, 4, 4)


def test_folders(photo_folder: Path, save_image: Callable[..., Path], tmp_path: Path) -> None:
    spec = f"folder:{photo_folder}"
    assert not has_test(spec)
    save_image(photo_folder / "test" / "dog" / "0.png", value=7)
    (photo_folder / "test" / "dog" / "1.png").write_bytes(b"damaged")
    heard, steps = list[str](), list[Any]()
    part = load_test(
        spec, image_size=4, store=Store(tmp_path), say=heard.append, progress=lambda *step: steps.append(step)
    )
    assert (part.labels.tolist(), int(part.images.max())) == ([1], 7)
    assert heard[0].startswith("1 corrupt test images skipped (the first is ")
    assert steps == [("test images", 2, 2)]
    assert torch.equal(load_test(spec, image_size=4, store=Store(tmp_path)).images, part.images)


def test_tables(listed: Path) -> None:
    (listed / "test.csv").write_text("path,label\nimages/0.png,4\nimages/1.png,02\n")
    assert load_test(f"csv:{listed}", image_size=4).labels.tolist() == [4, 2]
    for wrong in ("5", "-1", "cat", "9" * 40):
        (listed / "test.csv").write_text(f"path,label\nimages/0.png,{wrong}\n")
        with pytest.raises(UserError, match=r"test.csv' line 2: label '.*' is in neither train.csv nor val.csv"):
            load_test(f"csv:{listed}", image_size=4)


def test_text_labels_keep_their_classes(listed: Path) -> None:
    for name, rows in (("train", "images/0.png,dog\nimages/1.png,cat"), ("val", "images/2.png,ant")):
        (listed / f"{name}.csv").write_text(f"path,label\n{rows}\n")
    (listed / "test.csv").write_text("path,label\nimages/3.png,dog\n")
    assert load_test(f"csv:{listed}", image_size=4).labels.tolist() == [2]


@pytest.mark.parametrize("spec", ["digits", "npz"])
def test_without_one_the_message_says_how_to_add_it(spec: str, archive: Path) -> None:
    with pytest.raises(UserError, match=r"has no test part \(npz:FILE takes test_images") as error:
        load_test(spec if spec == "digits" else f"npz:{archive}")
    assert "\n" not in str(error.value)


def test_labels_beyond_the_classes_are_refused(with_test: Path) -> None:
    with np.load(with_test) as arrays:
        np.savez(with_test, **{**arrays, "test_labels": np.array([2, 1, 3, 0, 1])})
    with pytest.raises(UserError, match="has label 3, but classes 0 to 2"):
        load_test(f"npz:{with_test}")


def test_more_than_memory_holds_needs_the_cache(with_test: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY_BYTES", 100)
    with pytest.raises(UserError, match=r"5 test images .* the cache has no room for them: .* --cache-gb"):
        load_test(f"npz:{with_test}")


def test_a_run_never_reads_it(photo_folder: Path, listed: Path, with_test: Path) -> None:
    (photo_folder / "test" / "unheard_of").mkdir(parents=True)
    (listed / "test.csv").write_bytes(b"\xff\xfe")
    with np.load(with_test) as arrays:
        np.savez(with_test, **{**arrays, "test_images": np.zeros(3), "test_labels": np.full(2, -4)})
    for spec in (f"folder:{photo_folder}", f"csv:{listed}", f"npz:{with_test}"):
        load_dataset(spec, image_size=4, subset=None, seed=0, data_dir=None)
        with pytest.raises(UserError):
            load_test(spec, image_size=4)
