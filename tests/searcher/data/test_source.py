"""Images in memory, and reasons in one line."""

import numpy as np
import pytest

from splitsearch.searcher.data.source import ArraySource, reason


def test_square_arrays_know_their_size_and_oblong_ones_do_not() -> None:
    labels = np.zeros(2, dtype=np.int64)
    assert ArraySource(np.zeros((2, 8, 8, 3), dtype=np.uint8), labels).native_size == 8
    assert ArraySource(np.zeros((2, 8, 9, 3), dtype=np.uint8), labels).native_size is None


def test_an_array_source_returns_its_images_and_labels() -> None:
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    source = ArraySource(pixels, np.array([1, 0]))
    assert len(source) == 2
    assert source.labels().tolist() == [1, 0]
    assert np.array_equal(source.image(1), pixels[1])


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("one\ntwo"), "one"), (EOFError(), "EOFError"), (OSError("\n"), "OSError")]
)
def test_a_reason_is_one_line_that_says_something(error: Exception, line: str) -> None:
    assert reason(error) == line
