"""Choices of images, and what memory leaves of them."""

import numpy as np
import pytest

from splitsearch.searcher.data.choice import Choice, limited
from splitsearch.searcher.data.source import ArraySource
from splitsearch.spaces.errors import UserError


def choice(count: int) -> Choice:
    source = ArraySource(np.zeros((count, 2, 2, 3), dtype=np.uint8), np.arange(count) % 2)
    return Choice(source, np.arange(count))


def test_a_choice_is_limited_in_proportion() -> None:
    few = choice(10).limit(4, 0)
    assert (len(few), sorted(few.labels().tolist())) == (4, [0, 0, 1, 1])
    whole = choice(3)
    assert whole.limit(3, 0) is whole


def test_memory_limits_both_parts_only_when_it_binds() -> None:
    (train, val), notes = limited(choice(12), choice(8), 2, 20 * 12, seed=0)
    assert (len(train), len(val), notes) == (12, 8, ())
    (train, val), notes = limited(choice(12), choice(8), 2, 8 * 12, seed=0)
    assert (len(train), len(val)) == (6, 2)
    assert [note.partition(" (")[0] for note in notes] == [
        "training images limited to 6 of 12", "validation images limited to 2 of 8",
    ]  # fmt: skip
    with pytest.raises(UserError, match="not even two images fit"):
        limited(choice(12), choice(8), 2, 12, seed=0)
