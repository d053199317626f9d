"""Recipes."""

import pytest

from splitsearch.searcher.training.recipe import RUNGS, Recipe


def test_a_short_trial_has_geometric_rungs() -> None:
    assert Recipe().rungs == RUNGS
    assert [RUNGS[k + 1] / RUNGS[k] for k in range(2)] == pytest.approx([3, 3])


@pytest.mark.parametrize("rungs", [(), (0.5,), (0.5, 0.5, 1.0), (0.0, 1.0), (1.0, 0.5)])
def test_rungs_rise_to_one(rungs: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rungs must rise to 1"):
        Recipe(rungs=rungs)
