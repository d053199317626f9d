"""Samplers."""

import pytest

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import SAMPLERS, make_sampler
from splitsearch.searcher.engine.samplers.knowledge import Knowledge
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SearchSpace

SPACE = SearchSpace(backbone="b", image_size=8, cuts=("x", "y"), heads=("mimic",), channels=(1, 2, 3), bits=(4, 8))
POINTS = [SPACE.point(config) for config in SPACE]
KNOWLEDGE = Knowledge(
    objectives={"accuracy": "maximize", "latency_ms": "minimize"},
    points=POINTS,
    known={"latency_ms": [float(SPACE.at(point).bits) for point in POINTS]},
)


def points(tmp_path_factory: pytest.TempPathFactory, name: str, seed: int) -> list[dict[str, int]]:
    objectives = parse_objectives("accuracy,latency_ms")
    study = RunStudy(tmp_path_factory.mktemp("run"), SPACE, objectives, make_sampler(name, seed, KNOWLEDGE))
    asked = []
    for _ in range(12):
        trial, point = study.ask()
        asked.append(point)
        config = SPACE.at(point)
        values = {"accuracy": config.channels / 3, "latency_ms": float(config.bits)}
        study.tell(
            trial,
            TrialResult(trial=trial.number, state="complete", key=config.key, config=config.to_json(), values=values),
        )
    return asked


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_every_sampler_is_repeatable(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    first = points(tmp_path_factory, name, 1)
    assert first == points(tmp_path_factory, name, 1)


def test_the_grid_asks_every_point_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    asked = points(tmp_path_factory, "grid", 0)
    assert len({tuple(sorted(point.items())) for point in asked}) == len(SPACE) == 12


def test_an_unknown_sampler_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="unknown sampler 'tpee'; did you mean 'tpe'"):
        make_sampler("tpee", 0, KNOWLEDGE)


@pytest.mark.parametrize("name", ["known-cost", "grid"])
def test_samplers_that_list_the_space_repeat_nothing(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    asked = points(tmp_path_factory, name, 3)
    assert len({tuple(sorted(point.items())) for point in asked}) == 12
