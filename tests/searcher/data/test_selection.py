"""Stratified choices: shares, repeatability, holding out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.data.selection import hold_out, largest_remainder, stratified
from splitsearch.spaces.errors import UserError


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(0, 600), st.integers(0, 9))
def test_every_share_is_its_quota_rounded_down_or_up(counts: list[int], total: int, seed: int) -> None:
    available = sum(counts)
    total = min(total, available)
    shares = largest_remainder(np.array(counts), total, np.random.default_rng(seed))
    assert shares.sum() == total
    for share, count in zip(shares.tolist(), counts, strict=True):
        assert abs(share - count * total / max(available, 1)) < 1
        assert 0 <= share <= count


def test_the_largest_remainder_gets_the_left_over_seat() -> None:
    # quotas 4.7, 3.1, 2.2: the textbook example of Hamilton's method
    assert largest_remainder(np.array([47, 31, 22]), 10, np.random.default_rng(0)).tolist() == [5, 3, 2]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.data(), st.integers(0, 9))
def test_a_stratified_choice_has_distinct_sorted_positions_in_proportion(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(0, len(labels)))
    chosen = stratified(np.array(labels), count, seed)
    assert len(chosen) == count
    assert (np.diff(chosen) > 0).all()
    taken = np.bincount(np.array(labels)[chosen], minlength=5)
    quota = np.bincount(labels, minlength=5) * count / len(labels)
    assert (np.abs(taken - quota) < 1).all()


def test_a_choice_depends_on_the_seed_and_on_nothing_else() -> None:
    labels = np.arange(200) % 4
    assert np.array_equal(stratified(labels, 40, 1), stratified(labels, 40, 1))
    assert not np.array_equal(stratified(labels, 40, 1), stratified(labels, 40, 2))


def test_fewer_images_than_classes_come_from_classes_drawn_by_lot() -> None:
    draws = {tuple(stratified(np.arange(50), 3, seed)) for seed in range(5)}
    assert len(draws) == 5


def test_a_larger_choice_contains_the_smaller_one() -> None:
    labels = np.arange(200) % 4
    assert set(stratified(labels, 40, 3)) <= set(stratified(labels, 80, 3))


@pytest.mark.parametrize("count", [-1, 4])
def test_more_than_there_is_cannot_be_taken(count: int) -> None:
    with pytest.raises(ValueError, match=f"cannot take {count} of 3"):
        stratified(np.zeros(3, dtype=np.int64), count, 0)


def test_holding_out_takes_a_fifth_of_every_class_and_splits_completely() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    train, val = hold_out(labels)
    assert np.bincount(labels[val]).tolist() == [10, 6, 4]
    assert sorted([*train, *val]) == list(range(100))


@given(st.lists(st.integers(0, 30), min_size=2, max_size=60))
def test_holding_out_leaves_every_class_an_image(labels: list[int]) -> None:
    if len(set(labels)) == len(labels):
        with pytest.raises(UserError, match="one image only"):
            hold_out(np.array(labels))
        return
    train, val = hold_out(np.array(labels))
    assert len(val) >= 1
    assert {labels[i] for i in train} == set(labels)
