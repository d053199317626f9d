"""Decoding on threads: order, damage, progress."""

import numpy as np
import pytest

from splitsearch.searcher.data.decode import CHUNK, decode
from splitsearch.searcher.data.source import CorruptImageError, IntArray, PixelArray


class Counting:
    """Image `i` is grey of value `i`; those named in `corrupt` cannot be decoded."""

    native_size = 4

    def __init__(self, corrupt: tuple[int, ...] = ()) -> None:
        self.corrupt = corrupt

    def __len__(self) -> int:
        return 200

    def labels(self) -> IntArray:
        return np.arange(200)

    def image(self, i: int) -> PixelArray:
        if i in self.corrupt:
            raise CorruptImageError(f"image {i}")
        if i == 199:
            raise RuntimeError("a fault of ours")
        return np.full((4, 4, 3), i, dtype=np.uint8)


def ignore(_done: int, _total: int) -> None:
    pass


def test_images_come_in_the_order_of_the_choice_channels_first() -> None:
    chosen = np.array([7, 3, *range(50, 50 + 2 * CHUNK)])
    decoded = decode(Counting(), chosen, 4, ignore)
    assert decoded.images.shape == (len(chosen), 3, 4, 4)
    assert decoded.images[:, 1, 2, 3].tolist() == chosen.tolist()


def test_corrupt_images_are_left_out_and_the_rest_closes_up() -> None:
    decoded = decode(Counting(corrupt=(0, 5, 6, 99)), np.arange(100), 4, ignore)
    expected = [i for i in range(100) if i not in (0, 5, 6, 99)]
    assert decoded.kept.tolist() == expected
    assert decoded.images[:, 0, 0, 0].tolist() == expected
    assert decoded.faults == ("image 0", "image 5", "image 6", "image 99")


def test_nothing_readable_is_an_empty_result() -> None:
    decoded = decode(Counting(corrupt=(1,)), np.array([1]), 4, ignore)
    assert decoded.images.shape == (0, 3, 4, 4)


def test_progress_rises_to_the_total() -> None:
    seen: list[tuple[int, int]] = []
    decode(Counting(), np.arange(100), 4, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (100, 100)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_any_other_error_is_not_swallowed() -> None:
    with pytest.raises(RuntimeError, match="a fault of ours"):
        decode(Counting(), np.array([198, 199]), 4, ignore)
