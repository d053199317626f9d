"""Decoding image files of every mode, and damaged ones."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsearch.searcher.data.files import FileSource, read_image
from splitsearch.searcher.data.source import CorruptImageError


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(path)
    pixels = read_image(path)
    assert pixels.shape == (4, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels.min() == 255


def test_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 256, 32768, 65535]], dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_image(tmp_path / "deep.png")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_a_transparent_palette_gives_no_warning(tmp_path: Path) -> None:
    image = Image.new("P", (2, 2))
    image.putpalette([9, 8, 7] * 256)
    image.save(tmp_path / "clear.png", transparency=bytes([0] * 256))
    assert read_image(tmp_path / "clear.png")[0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_damaged_bytes_are_a_corrupt_image_that_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(CorruptImageError, match=r"bad\.png: .+"):
        read_image(tmp_path / "bad.png")


def test_a_file_cut_short_is_corrupt(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:2000])
    with pytest.raises(CorruptImageError, match="truncated"):
        read_image(tmp_path / "half.jpg")


def test_a_file_source_pairs_paths_and_labels(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "a.png")
    source = FileSource((tmp_path / "a.png",), np.array([7]), tmp_path)
    assert (len(source), source.labels().tolist(), source.native_size) == (1, [7], None)
    assert source.image(0)[1, 2].tolist() == [1, 2, 3]


def test_the_identity_is_that_of_paths_lengths_and_times_wherever_the_folder_lies(tmp_path: Path) -> None:
    def identity(root: Path, *chosen: int) -> str:
        paths = tuple(root / name for name in ("a.png", "b.png", "gone.png"))
        return FileSource(paths, np.zeros(3, dtype=np.int64), root).identity(np.array(chosen))

    root = tmp_path / "one"
    root.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (3, 2)).save(root / name)
        os.utime(root / name, ns=(5, 5))
    first = identity(root, 0, 1, 2)
    assert first == identity(root, 0, 1, 2)
    assert len({first, identity(root, 0, 1), identity(root, 1, 0)}) == 3
    shutil.move(root, tmp_path / "two")
    assert identity(tmp_path / "two", 0, 1, 2) == first
    os.utime(tmp_path / "two" / "b.png", ns=(6, 6))
    assert identity(tmp_path / "two", 0, 1, 2) != first
    assert identity(tmp_path / "two", 0) == identity(tmp_path / "two", 0)
