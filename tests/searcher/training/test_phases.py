"""Learning rates and optimisers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.training.phases import SHORT, Optimiser, optimiser_of, rate
from splitsearch.searcher.training.recipe import Recipe

CYCLE = Optimiser(kind="adamw", learning_rate=2.0)


@given(st.floats(0, 1))
def test_a_cycle_stays_between_its_end_and_its_peak(share: float) -> None:
    assert 2.0 * SHORT <= rate(CYCLE, share) <= 2.0


def test_a_cycle_starts_low_peaks_at_three_tenths_and_ends_at_nothing() -> None:
    assert rate(CYCLE, 0.0) == pytest.approx(2.0 / 25)
    assert rate(CYCLE, 0.3) == pytest.approx(2.0)
    assert rate(CYCLE, 1.0) == pytest.approx(2.0 * SHORT)


def test_steps_divide_by_ten_at_each_milestone() -> None:
    steps = Optimiser(kind="adam", learning_rate=1e-3, shape="steps", milestones=(0.25, 0.5, 0.75))
    rates = [rate(steps, epoch / 20) for epoch in (0, 4, 5, 10, 15, 19)]  # the published 20 epochs with [5, 10, 15]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-6])


def test_a_cosine_warms_up_and_falls_to_its_floor() -> None:
    cosine = Optimiser(kind="sgd", learning_rate=0.1, shape="cosine", milestones=(20 / 300,), floor=1e-3)
    assert rate(cosine, 0.0) == pytest.approx(0.005)
    assert rate(cosine, 20 / 300) == pytest.approx(0.1)
    assert rate(cosine, 1.0) == pytest.approx(1e-4)


def test_a_full_training_has_the_published_optimiser() -> None:
    published = Optimiser(kind="sgd", learning_rate=1e-3, weight_decay=5e-4, shape="steps", milestones=(0.5,))
    assert optimiser_of(Recipe(full=True), published) is published
    short = optimiser_of(Recipe(learning_rate=0.01), published, gain=0.5)
    assert (short.kind, short.learning_rate, short.weight_decay, short.shape) == ("adamw", 0.005, 5e-4, "cycle")
