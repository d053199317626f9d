"""Test parts of data sets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splitsearch.searcher.data.unseen import open_test
from splitsearch.spaces.errors import UserError

CLASSES = ("cat", "dog")


def test_a_folder(photo_folder: Path, save_image: Any) -> None:
    assert open_test(f"folder:{photo_folder}", CLASSES) is None
    save_image(photo_folder / "test" / "dog" / "1.png", value=7)
    source = open_test(f"folder:{photo_folder}", CLASSES)
    assert source is not None
    assert source.labels().tolist() == [1]
    assert source.image(0).max() == 7
    save_image(photo_folder / "test" / "dgo" / "1.png")
    with pytest.raises(UserError, match=r"class 'dgo' in .* is none of the data set; did you mean 'dog'"):
        open_test(f"folder:{photo_folder}", CLASSES)


def test_a_table(listed: Path, save_image: Any) -> None:
    assert open_test(f"csv:{listed}", tuple("01234")) is None
    (listed / "test.csv").write_text("path,label\nimages/4.png,04\nimages/1.png,2\n", encoding="utf-8")
    source = open_test(f"csv:{listed}", tuple("01234"))
    assert source is not None
    assert source.labels().tolist() == [4, 2]
    assert source.image(0).max() == 80
    for text, line in (("path,label\n", "names no images"), ("path,label\nx,\n", "each line is path,label")):
        (listed / "test.csv").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=line):
            open_test(f"csv:{listed}", tuple("01234"))


def test_an_archive(archive: Path) -> None:
    assert open_test(f"npz:{archive}", tuple("012")) is None
    images, labels = np.zeros((4, 8, 8, 3), dtype=np.uint8), np.array([[0], [1], [2], [2]])
    np.savez(archive, test_images=images, test_labels=labels)
    source = open_test(f"npz:{archive}", tuple("012"))
    assert source is not None
    assert source.labels().tolist() == [0, 1, 2, 2]
    with pytest.raises(UserError, match=r"test_labels in .* must be 0 to 1"):
        open_test(f"npz:{archive}", tuple("01"))
    np.savez(archive, test_images=images.astype(float), test_labels=labels)
    with pytest.raises(UserError, match="must be uint8"):
        open_test(f"npz:{archive}", tuple("012"))
    np.savez(archive, test_images=images)
    with pytest.raises(UserError, match="test_images needs test_labels"):
        open_test(f"npz:{archive}", tuple("012"))


def test_data_sets_without_one() -> None:
    assert open_test("digits", tuple("0123456789")) is None
    assert open_test("cifar10", tuple("0123456789")) is None
