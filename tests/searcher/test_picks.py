"""One of a front."""

from typing import Any

import pytest

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.picks import PICKS, pick
from splitsearch.spaces.errors import UserError

OBJECTIVES = parse_objectives("accuracy,latency_ms,payload_bytes")


def entry(trial: int, accuracy: float, latency: float, payload: float, energy: float = 1.0) -> dict[str, Any]:
    values = {"accuracy": accuracy, "latency_ms": latency, "payload_bytes": payload, "energy_mj": energy}
    return {"trial": trial, "values": values}


FRONT = [
    entry(0, 0.5, 10, 10, 9),
    entry(1, 0.88, 12, 20, 5),
    entry(2, 0.9, 20, 1000, 1),
    entry(3, 0.9, 19, 1000, 2),
]


@pytest.mark.parametrize(
    ("wish", "trial"), [("accuracy", 3), ("latency", 0), ("payload", 0), ("energy", 2), ("knee", 1)]
)
def test_each_pick_takes_its_best(wish: str, trial: int) -> None:
    assert pick(FRONT, OBJECTIVES, wish)["trial"] == trial
    assert wish in PICKS


def test_one_candidate_is_its_own_knee() -> None:
    assert pick(FRONT[:1], OBJECTIVES, "knee") is FRONT[0]


def test_wrong_picks_are_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'latency'"):
        pick(FRONT, OBJECTIVES, "latncy")
    with pytest.raises(UserError, match="front is empty"):
        pick([], OBJECTIVES, "knee")
