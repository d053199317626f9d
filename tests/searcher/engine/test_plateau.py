"""When a search gets nowhere any more."""

import pytest

from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.plateau import is_plateau
from splitsearch.searcher.engine.results import TrialResult

HEADER = FrontHeader(
    backbone="b", dataset="d", device="d", server="s", network="n",
    objectives=parse_objectives("accuracy,latency_ms"), reference_point={"accuracy": 0.0, "latency_ms": 10.0},
    teacher={"accuracy": 1.0}, baselines=(),
)  # fmt: skip


def trained(*accuracies: float, latency: float = 5.0) -> list[TrialResult]:
    return [
        TrialResult(
            trial=n, state="complete", key=f"{n}", config={}, curve=[{"loss": 1.0}],
            values={"accuracy": accuracy, "latency_ms": latency},
        )
        for n, accuracy in enumerate(accuracies)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("accuracies", "trials", "flat"),
    [
        ((0.5, 0.5, 0.5), 2, True),
        ((0.5, 0.5, 0.6), 2, False),
        ((0.5, 0.5, 0.6), 3, False),  # nothing before the last three
        ((0.5, 0.4, 0.5004), 2, True),  # 0.08 % more
        ((0.5, 0.4, 0.5006), 2, False),  # 0.12 % more
    ],
)
def test_growth_over_the_last_trainings(accuracies: tuple[float, ...], trials: int, flat: bool) -> None:
    assert is_plateau(HEADER, trained(*accuracies), trials) is flat


def test_refusals_and_repeats_are_no_trainings() -> None:
    refused = [TrialResult(trial=9, state="pruned", key="r", config={})] * 5
    assert not is_plateau(HEADER, trained(0.5) + refused, 2)
    assert not is_plateau(HEADER, [], 1)
