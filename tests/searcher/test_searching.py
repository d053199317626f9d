"""A search on prepared ground."""

from types import SimpleNamespace
from typing import Any, cast

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.ground import Ground
from splitsearch.searcher.searching import limits_of, reference_point
from splitsearch.searcher.settings import RunSettings


def baseline(name: str, latency: float) -> Baseline:
    return Baseline(name=name, values={"latency_ms": latency}, latency={}, macs={})


def test_the_reference_lies_beyond_the_pool_and_the_baselines_that_no_clock_decides() -> None:
    profiles: dict[Any, Any] = {n: SimpleNamespace(values={"latency_ms": float(n)}) for n in (3, 7)}
    ground = cast("Ground", SimpleNamespace(pool=SimpleNamespace(profiles=profiles)))
    objectives = parse_objectives("accuracy,latency_ms")
    baselines = [baseline("local", 20.0), baseline("server_raw", 1.0), baseline("server_jpeg_q90", 99.0)]
    assert reference_point(objectives, ground, baselines) == {"accuracy": 0.0, "latency_ms": 22.0}
    assert reference_point(objectives, ground, baselines[1:]) == {"accuracy": 0.0, "latency_ms": 7.700000000000001}


def test_limits_are_the_settings() -> None:
    limits = limits_of(RunSettings(backbone="b", device_profile="d", trials=7, timeout=9.0, plateau=3))
    assert (limits.trials, limits.timeout, limits.plateau) == (7, 9.0, 3)
