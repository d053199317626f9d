"""What does not fit together is refused with what is wrong."""

from typing import Any

import pytest

from splitsearch.searcher.engine.samplers.knowledge import Knowledge, key_of

GOOD: dict[str, Any] = {
    "objectives": {"accuracy": "maximize", "ms": "minimize"},
    "points": [{"a": 0}, {"a": 1}],
    "known": {"ms": [1.0, 2.0]},
}


def test_what_is_not_known_is_unknown_and_positive_costs_are_logarithmic() -> None:
    knowledge = Knowledge(**GOOD)
    assert knowledge.unknown == ("accuracy",)
    assert knowledge.parameters == ("a",)
    assert knowledge.is_log("ms")
    assert not Knowledge(**GOOD | {"known": {"ms": [0.0, 2.0]}}).is_log("ms")
    assert not Knowledge(**GOOD, log=frozenset()).is_log("ms")


def test_a_share_is_taken_by_what_it_lacks() -> None:
    knowledge = Knowledge(**GOOD, shares=frozenset({"accuracy"}))
    near, far = (knowledge.gain("accuracy", b) - knowledge.gain("accuracy", a) for a, b in ((0.94, 0.97), (0.4, 0.7)))
    assert near == pytest.approx(far)
    assert knowledge.gain("accuracy", 1.0) < 10, "what a few hundred images cannot tell is not endlessly good"
    step = 1e-6
    rise = (knowledge.gain("accuracy", 0.8 + step) - knowledge.gain("accuracy", 0.8)) / step
    assert knowledge.slope("accuracy", 0.8) == pytest.approx(rise, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": []}, "the pool is empty"),
        ({"nominal": frozenset({"cut"})}, "'cut' is none of the parameters a"),
        ({"points": [{"a": 0}, {"b": 1}]}, r"point 1 has the parameters \['b'\]"),
        ({"points": [{"a": 0}, {"a": 0}]}, "the points 0 and 1 are the same"),
        ({"known": {"ms": [1.0]}}, "'ms' has 1 values for 2 points"),
        ({"known": {"ms": [1.0, float("nan")]}}, "'ms' of point 1 is nan"),
        ({"known": {"kb": [1.0, 2.0]}}, "'kb' is none of the objectives accuracy, ms"),
        ({"known": {"ms": [1.0, 2.0], "accuracy": [1.0, 2.0]}}, "nothing to search"),
        ({"objectives": {"accuracy": "up", "ms": "minimize"}}, "must be 'maximize' or 'minimize', not 'up'"),
        ({"shares": frozenset({"ms"})}, "'ms' is no share"),
        ({"known": {"ms": [0.0, 2.0]}, "log": frozenset({"ms"})}, "cannot be taken on a log scale: it has the value 0"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Knowledge(**GOOD | change)


def test_a_key_tells_points_apart_whatever_the_order() -> None:
    assert key_of({"b": 1, "a": "x"}, ("a", "b")) == ("x", 1)
    with pytest.raises(KeyError):
        key_of({"b": 1}, ("a", "b"))
