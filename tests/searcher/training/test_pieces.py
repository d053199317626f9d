"""Steps divided among rungs and phases."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.training.phases import Optimiser, Phase
from splitsearch.searcher.training.pieces import pieces, rung_bounds

ADAMW = Optimiser(kind="adamw", learning_rate=0.1)


def phase(name: str, share: float) -> Phase:
    return Phase(name=name, share=share, learning=(), loss=lambda batch: torch.zeros(()), optimiser=ADAMW)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True), st.floats(0, 1))
def test_pieces_cover_every_step_once(bounds: list[int], share: float) -> None:
    found = pieces([phase("a", share), phase("b", 1 - share)], sorted(bounds))
    covered = [step for piece in found for step in range(piece.begin, piece.end)]
    assert covered == list(range(max(bounds)))


@given(st.integers(3, 10_000))
def test_rungs_rise_and_the_last_has_all_steps(steps: int) -> None:
    found = rung_bounds(steps, (1 / 9, 1 / 3, 1.0))
    assert [a < b for a, b in zip([0, *found], found, strict=False)] == [True] * 3
    assert found[-1] == steps
    assert rung_bounds(steps, (1.0,)) == [steps]
