"""Tiny data sets of every file kind, built where the test wants them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SaveImage = Callable[..., Path]


@pytest.fixture
def save_image() -> SaveImage:
    def save(path: Path, *, height: int = 12, width: int = 10, value: int = 100) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((height, width, 3), value, dtype=np.uint8)).save(path)
        return path

    return save


@pytest.fixture
def photo_folder(tmp_path: Path, save_image: SaveImage) -> Path:
    """Builds `photos/`: cat and dog, 6 and 4 training images, 2 validation images each."""
    root = tmp_path / "photos"
    for part, counts in (("train", {"cat": 6, "dog": 4}), ("val", {"cat": 2, "dog": 2})):
        for name, count in counts.items():
            for i in range(count):
                save_image(root / part / name / f"{i}.png", value=10 * i + (100 if name == "dog" else 0))
    return root


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Builds `tiny.npz`: 12 training and 6 validation images of 8x8 in three classes."""
    rng = np.random.default_rng(0)
    path = tmp_path / "tiny.npz"
    np.savez(
        path,
        train_images=rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8),
        train_labels=np.arange(12) % 3,
        val_images=rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8),
        val_labels=np.arange(6) % 3,
    )
    return path


@pytest.fixture
def listed(tmp_path: Path, save_image: SaveImage) -> Path:
    """Builds `listed/`: train.csv with labels 0 and 2, val.csv with label 4."""
    root = tmp_path / "listed"
    for i in range(5):
        save_image(root / "images" / f"{i}.png", value=20 * i)
    (root / "train.csv").write_text("path,label\n" + "".join(f"images/{i}.png,{i % 2 * 2}\n" for i in range(4)))
    (root / "val.csv").write_text("path,label\nimages/4.png,4\n")
    return root
