"""The digits that ship with scikit-learn."""

import numpy as np

from splitsearch.searcher.data.digits import open_digits


def test_the_digits_are_grey_and_use_the_whole_range() -> None:
    pair = open_digits("", None)
    pixels = np.stack([pair.train.image(i) for i in range(len(pair.train))])
    assert pixels.shape == (1797, 8, 8, 3)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_the_digits_have_ten_classes_and_no_validation_part_of_their_own() -> None:
    pair = open_digits("", None)
    assert pair.val is None
    assert pair.classes == tuple("0123456789")
    assert pair.default_size == 32
    assert np.bincount(pair.train.labels()).min() > 170
