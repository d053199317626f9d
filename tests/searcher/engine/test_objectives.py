"""Objectives and budgets."""

import pytest

from splitsearch.searcher.engine.objectives import OBJECTIVES, Budgets, parse_objectives
from splitsearch.spaces.errors import UserError


def test_names_become_objectives_in_order() -> None:
    found = parse_objectives("accuracy, energy_mj")
    assert [(o.name, o.direction) for o in found] == [("accuracy", "maximize"), ("energy_mj", "minimize")]
    assert all(name == objective.name for name, objective in OBJECTIVES.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy,latency", "unknown objective 'latency'; did you mean 'latency_ms'"),
        ("accuracy,accuracy", "named twice"),
        ("latency_ms,payload_bytes", "needs accuracy"),
        ("accuracy", "at least one cost"),
    ],
)
def test_wrong_objectives_are_explained(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_objectives(text)


def test_budgets_name_what_is_broken_and_by_how_much() -> None:
    budgets = Budgets(max_latency_ms=50, max_payload_bytes=100)
    values = {"latency_ms": 75.0, "payload_bytes": 100.0}
    assert budgets.violations(values) == ["latency_ms 75 is above the budget of 50"]
    assert budgets.excess(values) == pytest.approx(0.5)
    assert Budgets(max_accuracy_drop=0.02).violations(values) == []


@pytest.mark.parametrize("field", ["max_latency_ms", "max_energy_mj"])
@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_budgets_are_positive_numbers(field: str, limit: float) -> None:
    with pytest.raises(UserError, match="must be a positive number"):
        Budgets(**{field: limit})


def test_an_accuracy_drop_is_a_share() -> None:
    with pytest.raises(UserError, match="not 2"):
        Budgets(max_accuracy_drop=2)


def test_the_worst_twentieth_is_an_objective_of_its_own() -> None:
    assert [o.name for o in parse_objectives("accuracy,latency_p95_ms")] == ["accuracy", "latency_p95_ms"]
    assert OBJECTIVES["latency_p95_ms"].direction == "minimize"
