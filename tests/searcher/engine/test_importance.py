"""Which axis matters to which objective."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from splitsearch.searcher.engine.importance import FEWEST, axis_importances
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.spaces.config import SplitConfig

BOTH = parse_objectives("accuracy,payload_bytes")


def trials(accuracy: Callable[[SplitConfig], float], payload: Callable[[SplitConfig], float]) -> list[TrialResult]:
    blank = TrialResult(trial=0, state="complete", key="", config={})
    configs = [
        SplitConfig(backbone="net", cut=cut, head="original", channels=channels, bits=bits, image_size=32)
        for cut in ("a", "b")
        for channels in (1, 2, 4, 8, 16)
        for bits in (2, 4, 8, 16)
    ]
    return [
        replace(blank, trial=k, config=c.to_json(), values={"accuracy": accuracy(c), "payload_bytes": payload(c)})
        for k, c in enumerate(configs)
    ]


def test_the_axis_that_decides_an_objective_has_its_importance() -> None:
    found = axis_importances(trials(lambda c: c.channels / 16, lambda c: float(c.bits)), BOTH)
    assert set(found) == {"cut", "channels", "bits"}
    assert found["channels"]["accuracy"] > 0.9
    assert found["bits"]["payload_bytes"] > 0.9
    for objective in BOTH:
        assert sum(shares[objective.name] for shares in found.values()) == pytest.approx(1)


def test_what_is_maximised_is_not_taken_for_minimised() -> None:
    """Only among the accurate candidates one bit-width prevails; among the inaccurate ones all are alike."""

    def accuracy(config: SplitConfig) -> float:
        return 0.9 + config.channels / 1000 if config.bits == 16 else config.channels / 100

    found = axis_importances(trials(accuracy, lambda c: float(c.channels)), BOTH)
    assert found["bits"]["accuracy"] > found["channels"]["accuracy"]


def test_constants_and_few_trials_say_nothing() -> None:
    some = trials(lambda c: c.channels / 16, lambda c: float(c.bits))
    assert axis_importances(some[: FEWEST - 1], BOTH) == {}
    assert axis_importances([replace(some[0], trial=k) for k in range(FEWEST)], BOTH) == {}


def test_an_objective_that_never_changes_has_no_axis() -> None:
    found = axis_importances(trials(lambda c: 0.5, lambda c: float(c.bits)), BOTH)
    assert all(0 <= shares["accuracy"] <= 1 for shares in found.values())
