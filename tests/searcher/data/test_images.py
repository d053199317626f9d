"""Decoded images come from the cache whenever nothing that determines them has changed."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from splitsearch.searcher.data import decode, images
from splitsearch.searcher.data.decode import CHUNK
from splitsearch.searcher.data.images import image_bytes, is_stored, pixels, stored_pixels, worth_storing
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.data.source import ArraySource, CorruptImageError, IntArray, PixelArray
from splitsearch.searcher.training.store import Store


@dataclass
class Counting:
    """Image `i` is grey of value `i`; those in `corrupt` cannot be decoded; stops at `fatal`."""

    corrupt: tuple[int, ...] = ()
    fatal: int = -1
    decoded: int = 0
    name: str = "counting"
    native_size: int | None = None
    in_memory: bool = False

    def __len__(self) -> int:
        return 1000

    def labels(self) -> IntArray:
        return np.arange(1000)

    def identity(self, chosen: IntArray) -> str:
        return f"{self.name} {chosen.tolist()}"

    def image(self, i: int) -> PixelArray:
        self.decoded += 1
        if i in self.corrupt:
            raise CorruptImageError(f"image {i}")
        if i == self.fatal:
            raise KeyboardInterrupt
        return np.full((4, 4, 3), i % 256, dtype=np.uint8)


CHOSEN = np.arange(400, 1000)


def ignore(_done: int, _total: int) -> None:
    pass


def values(found: Any) -> list[int]:
    return [int(value) for value in found.images[:, 0, 0, 0]]


def test_a_second_reading_decodes_nothing_and_gives_the_same(tmp_path: Path) -> None:
    source = Counting(corrupt=(450, 999))
    for expected in (600, 600):
        found = pixels(source, CHOSEN, 4, Store(tmp_path), ignore)
        assert source.decoded == expected
        assert found.kept.tolist() == [i for i in CHOSEN if i not in (450, 999)]
        assert values(found) == [i % 256 for i in found.kept.tolist()]
        assert found.faults == ("image 450", "image 999")
        assert found.blocks is not None
    assert is_stored(source, CHOSEN, 4, Store(tmp_path))
    assert not is_stored(source, CHOSEN[1:], 4, Store(tmp_path))


@pytest.mark.parametrize("change", ["name", "size", "version", "library"])
def test_whatever_determines_the_pixels_determines_the_entry(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, size = Counting(), 4
    pixels(source, CHOSEN, size, Store(tmp_path), ignore)
    if change == "name":
        source.name = "another"
    elif change == "size":
        size = 5
    elif change == "version":
        monkeypatch.setattr(images, "VERSION", 99)
    else:
        monkeypatch.setattr(images.PIL, "__version__", "99")
    pixels(source, CHOSEN, size, Store(tmp_path), ignore)
    assert source.decoded == 1200


def test_an_interrupted_decoding_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_THREADS", 1)
    broken = Counting(corrupt=(401,), fatal=960)
    with pytest.raises(KeyboardInterrupt):
        pixels(broken, CHOSEN, 4, Store(tmp_path), ignore)
    whole, steps = Counting(corrupt=(401,)), []
    found = pixels(whole, CHOSEN, 4, Store(tmp_path), lambda *step: steps.append(step))
    marked = images.MARK_EVERY * CHUNK * (560 // (images.MARK_EVERY * CHUNK))
    assert steps[0] == (marked, 600)
    assert whole.decoded == 600 - marked
    assert found.faults == ("image 401",)
    assert values(found) == [i % 256 for i in CHOSEN if i != 401]


def test_without_room_images_are_decoded_into_memory(tmp_path: Path) -> None:
    source, store = Counting(), Store(tmp_path, max_bytes=image_bytes(600, 4) - 1)
    assert stored_pixels(source, CHOSEN, 4, store, ignore) is None
    assert stored_pixels(source, CHOSEN, 4, None, ignore) is None
    assert source.decoded == 0
    found = pixels(source, CHOSEN, 4, store, ignore)
    assert (len(found.images), found.blocks) == (600, None)


def test_arrays_that_need_no_decoding_are_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ArraySource(np.zeros((600, 4, 4, 3), dtype=np.uint8), np.zeros(600, dtype=np.int64))
    assert not worth_storing(source, 600, 4)
    assert not worth_storing(source, 600, 8)
    monkeypatch.setattr(images, "SMALL_BYTES", image_bytes(600, 8))
    assert worth_storing(source, 600, 8)
    assert not worth_storing(source, 599, 8)


def test_a_whole_data_set_is_found_again_after_a_move_and_not_after_a_change(
    photo_folder: Path, tmp_path: Path, save_image: Callable[..., Path]
) -> None:
    def load(folder: Path) -> tuple[Any, int]:
        steps: list[Any] = []
        data = load_dataset(
            f"folder:{folder}", image_size=6, subset=None, seed=0, data_dir=None,
            store=Store(tmp_path / "cache"), progress=lambda *step: steps.append(step),
        )  # fmt: skip
        return data, len(steps)

    first, decoded = load(photo_folder)
    assert decoded == 2
    plain = load_dataset(f"folder:{photo_folder}", image_size=6, subset=None, seed=0, data_dir=None)
    assert plain.fingerprint == first.fingerprint
    assert torch.equal(plain.train.images, first.train.images)
    moved = Path(shutil.move(photo_folder, tmp_path / "moved"))
    again, decoded = load(moved)
    assert (again.fingerprint, decoded) == (first.fingerprint, 0)
    save_image(moved / "val" / "cat" / "0.png", value=77)
    os.utime(moved / "val" / "cat" / "0.png", (1, 1))
    changed, decoded = load(moved)
    assert (changed.fingerprint != first.fingerprint, decoded) == (True, 1)
