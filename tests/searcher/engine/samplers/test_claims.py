"""Two workers, one point: never both."""

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial

from splitsearch.searcher.engine.samplers.claims import CLAIM, claim, claimed

POINTS = [{"a": np.int64(a)} for a in range(5)]


def point(number: int) -> dict[str, Any]:
    return POINTS[number]


def place(trial: FrozenTrial) -> int | None:
    held = claimed(trial)
    return None if held is None else int(held["a"])


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(directions=["maximize", "minimize"], sampler=optuna.samplers.RandomSampler())


def frozen(study: optuna.Study, number: int) -> FrozenTrial:
    return study.get_trials(deepcopy=False)[number]


def test_a_claim_is_plain_data_in_the_study(study: optuna.Study) -> None:
    study.ask()
    assert claimed(frozen(study, 0)) is None
    assert claim(study, frozen(study, 0), [3, 1], point, place) == {"a": 3}
    assert frozen(study, 0).system_attrs[CLAIM] == {"a": 3}
    assert type(frozen(study, 0).system_attrs[CLAIM]["a"]) is int


def test_who_comes_second_takes_the_next(study: optuna.Study) -> None:
    for _ in range(3):
        study.ask()
    chosen = [claim(study, frozen(study, number), [3, 1, 4], point, place) for number in range(3)]
    assert [one["a"] for one in chosen] == [3, 1, 4] or len({one["a"] for one in chosen}) == 3


def test_of_two_that_see_each_other_both_give_way_to_different_points(study: optuna.Study) -> None:
    """Both write, then both look: the second to look has written before the first one looks."""
    study.ask()
    study.ask()
    study._storage.set_trial_system_attr(frozen(study, 1)._trial_id, CLAIM, {"a": 3})
    lower = claim(study, frozen(study, 0), [3, 1, 4, 2], point, place)
    # The higher one has lost sight of its own writing and looks now: the point that it wanted is free again.
    higher = claim(study, frozen(study, 1), [3, 1, 4, 2], point, place)
    assert lower["a"] != higher["a"]


def test_the_last_free_point_is_taken_even_if_it_is_held(study: optuna.Study) -> None:
    study.ask()
    study.ask()
    assert claim(study, frozen(study, 0), [2], point, place) == {"a": 2}
    assert claim(study, frozen(study, 1), [2], point, place) == {"a": 2}
