"""The rule, without a study around it."""

import numpy as np
import pytest

from splitsearch.searcher.engine.samplers.adviser import Adviser, Seen
from splitsearch.searcher.engine.samplers.knowledge import Knowledge

POINTS = [{"a": a, "b": b} for a in range(8) for b in range(8)]


def knowledge(unknown: int = 1, grow: bool = False) -> Knowledge:
    names = ["accuracy", "recall"][:unknown]
    held = [p for p in POINTS if p["a"] < 6] if grow else POINTS

    def neighbours(front):  # type: ignore[no-untyped-def]
        for point in front:
            if point["a"] == 5:
                yield {"a": 6, "b": point["b"]}, {"cost": 7.0 + point["b"]}

    return Knowledge(
        objectives={**dict.fromkeys(names, "maximize"), "cost": "minimize"},
        points=held,
        known={"cost": [1.0 + p["a"] + p["b"] for p in held]},
        grow=neighbours if grow else None,
    )


def seen(adviser: Adviser, places: list[int], unknown: int = 1) -> Seen:
    points = [adviser.rows.points[place] for place in places]
    gains = np.array([[p["a"] / 8 + 0.1 * np.sin(p["b"]), p["b"] / 8][:unknown] for p in points])
    return Seen(
        costs=adviser.rows.costs[places],
        features=adviser.rows.features[places],
        gains=gains.reshape(-1, unknown),
        extra=np.zeros((len(places), unknown)),
        attained=np.ones(len(places), dtype=bool),
    )


@pytest.mark.parametrize("unknown", [1, 2])
def test_suggestions_are_free_distinct_and_repeatable(unknown: int) -> None:
    places = [0, 63, 7, 56, 27, 36, 20, 50]
    found = []
    for _ in range(2):
        adviser = Adviser(knowledge(unknown), seed=3)
        found.append(adviser.rank(seen(adviser, places, unknown), [1], [*places, 1], [2], 10))
    assert found[0] == found[1]
    assert len(set(found[0])) == 10
    assert not set(found[0]) & {*places, 1, 2}


def test_where_accuracy_comes_from_one_parameter_the_other_is_kept_cheap() -> None:
    adviser, places = Adviser(knowledge(), seed=0), [0, 63, 7, 56, 27, 36, 20, 50, 3, 40]
    best = adviser.rank(seen(adviser, places), [], places, [], 5)
    assert all(adviser.rows.points[place]["b"] <= 3 for place in best)


def test_a_running_point_is_believed_so_the_next_suggestion_goes_elsewhere() -> None:
    adviser, places = Adviser(knowledge(), seed=0), [0, 63, 7, 56, 27, 36, 20, 50]
    state = seen(adviser, places)
    alone = adviser.rank(state, [], places, [], 2)
    beside = adviser.rank(state, [alone[0]], [*places, alone[0]], [], 1)
    assert beside[0] != alone[0]


def test_a_pool_that_is_tried_out_has_nothing_to_suggest() -> None:
    adviser = Adviser(knowledge(), seed=0)
    assert adviser.rank(seen(adviser, [0, 1]), [], range(64), [], 3) == []


def test_the_pool_grows_around_the_front_once_and_what_joins_is_suggested() -> None:
    adviser = Adviser(knowledge(grow=True), seed=0)
    places = [p for p in range(48) if adviser.rows.points[p]["a"] in (0, 5)]
    state = seen(adviser, places)
    adviser.grow(places, state)
    joined = len(adviser.rows)
    assert joined > 48
    adviser.grow(places, state)
    assert len(adviser.rows) == joined
    beside = adviser.rank(state, [], places, range(48), 50)
    assert sorted(beside) == list(range(48, joined))
