"""Whether a search still gets anywhere: the growth of the hypervolume over its last trainings."""

from collections.abc import Sequence

from splitsearch.searcher.engine.front import FrontHeader, scaled_hypervolume
from splitsearch.searcher.engine.results import TrialResult

__all__ = ["GROWTH", "is_plateau"]

GROWTH = 1e-3
"""Share of the hypervolume below which its growth is none."""


def is_plateau(header: FrontHeader, results: Sequence[TrialResult], trials: int, growth: float = GROWTH) -> bool:
    """Whether the hypervolume grew by less than a share of itself over the last trainings.

    Args:
        header: objectives and reference point.
        results: of all trials, in order.
        trials: how many trainings to look back.
        growth: the share, in [0, 1].
    """
    trained = [result for result in results if result.repeat_of is None and result.curve]
    if len(trained) <= trials:
        return False
    now = scaled_hypervolume(header, [r for r in trained if r.state == "complete"])
    before = scaled_hypervolume(header, [r for r in trained[:-trials] if r.state == "complete"])
    return now > 0 and now - before < growth * now
