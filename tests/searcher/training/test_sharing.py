"""Which candidates share a training."""

from dataclasses import replace

import pytest

from splitsearch.searcher.training.sharing import Families, trained_as, training_key
from splitsearch.spaces.config import SplitConfig

BASE = SplitConfig(backbone="n", cut="c", head="original", channels=2, bits=4, image_size=32, exit_cut="b")


@pytest.mark.parametrize(
    ("change", "shared"),
    [
        ({"bits": 1}, True),
        ({"coding": "zstd"}, True),
        ({"exit_threshold": 0.5}, True),
        ({"exit_confidence": "margin"}, True),
        ({"exit_fusion": 0.5}, True),
        ({"channels": 3}, False),
        ({"cut": "d"}, False),
        ({"exit_cut": "a"}, False),
        ({"activation": "relu"}, False),
        ({"tail_pruning": 0.5}, False),
    ],
)
def test_what_has_no_weights_shares_a_training(change: dict[str, object], shared: bool) -> None:
    other = replace(BASE, **change)  # type: ignore[arg-type]
    assert (training_key(other) == training_key(BASE)) == shared


def test_siblings_are_the_others_of_a_pool_that_may_grow() -> None:
    four, two, wide = BASE, replace(BASE, bits=2), replace(BASE, channels=5)
    families = Families()
    assert families.siblings(four, [four, wide]) == []
    assert families.siblings(four, [four, wide, two]) == [two]
    assert families.siblings(two, [four, wide, two]) == [four]
    assert trained_as(two) == trained_as(four) != trained_as(wide)
