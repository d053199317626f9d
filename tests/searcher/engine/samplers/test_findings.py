"""What trials teach."""

import math
from typing import Any

import pytest
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from splitsearch.searcher.engine.samplers.findings import Findings
from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.samplers.rows import Rows

KNOWLEDGE = Knowledge(
    objectives={"loss": "minimize", "ms": "minimize"},
    points=[{"a": 0}, {"a": 1}],
    known={"ms": [1.0, 10.0]},
    log=frozenset({"ms", "loss"}),
)
FINDINGS = Findings(KNOWLEDGE, Rows(KNOWLEDGE))


def trial(a: int = 0, **more: Any) -> FrozenTrial:
    return create_trial(params={"a": a}, distributions={"a": IntDistribution(0, 9)}, **more)


def test_a_complete_trial_teaches_its_own_values_turned_and_on_their_scale() -> None:
    found = FINDINGS.read(trial(values=[math.e, 3.0]))
    assert found is not None
    assert (found.place, found.gains, found.extra, found.known, found.attained) == (0, [-1.0], [0.0], {"ms": 3.0}, True)


def test_constraints_keep_a_trial_from_the_front_but_it_teaches() -> None:
    found = FINDINGS.read(trial(values=[1.0, 3.0], constraints={"memory": 1.0}))
    assert found is not None
    assert not found.attained


def test_a_stopped_trial_teaches_its_estimate_with_its_doubt() -> None:
    attributes = {"loss_estimate": 2.0, "loss_estimate_deviation": 0.5}
    found = FINDINGS.read(trial(1, state=TrialState.PRUNED, user_attrs=attributes))
    assert found is not None
    assert (found.gains, found.extra, found.known) == ([-math.log(2)], [0.25], {"ms": 10.0})
    assert not found.attained


@pytest.mark.parametrize(
    "silent",
    [
        trial(values=[math.inf, 1.0]),
        trial(values=[-1.0, 1.0]),  # no logarithm
        trial(state=TrialState.PRUNED),
        trial(state=TrialState.PRUNED, user_attrs={"loss_estimate": 2.0}),  # how sure is not said
        trial(7, state=TrialState.PRUNED, user_attrs={"loss_estimate": 2.0, "loss_estimate_deviation": 1.0}),
        trial(state=TrialState.FAIL),
        create_trial(params={}, distributions={}, values=[1.0, 1.0]),
    ],
)
def test_what_says_nothing_is_left_out(silent: FrozenTrial) -> None:
    assert FINDINGS.read(silent) is None


def test_findings_stack_also_where_there_are_none_and_beside_the_pool() -> None:
    empty = FINDINGS.stack([])
    assert (empty.gains.shape, empty.costs.shape, empty.features.shape) == ((0, 1), (0, 1), (0, 2))
    found = [FINDINGS.read(trial(a, values=[1.0, 10.0**a])) for a in (0, 5)]
    assert found[1] is not None
    assert found[1].place is None
    stacked = FINDINGS.stack([one for one in found if one is not None])
    assert stacked.costs.ravel() == pytest.approx([0, 5])
