"""How good a candidate is on the validation images."""

from dataclasses import replace
from typing import Any

import pytest

from splitsearch.searcher.deploy.folder import open_export
from splitsearch.searcher.fulltrain.judging import judged, verdict
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.training.outputs import Validation
from splitsearch.searcher.training.processes import Processes
from splitsearch.searcher.training.validate import validate


class Summing(Processes):
    """Processes one after another: sums are kept until the last has given its part."""

    kept: list[float] = [0.0] * 4  # one for the test

    def total(self, values: list[float]) -> list[float]:  # type: ignore[override]
        Summing.kept = [a + b for a, b in zip(Summing.kept, values, strict=True)]
        return Summing.kept


def test_it_is_the_search_s_own_validation(material: Material) -> None:
    model, activations = material.candidate(), material.validation()
    expected = validate(material.export.config, model, material.data, activations)
    assert judged(material, model, activations) == expected


def test_processes_judge_their_shares(export: Any, changed: Any) -> None:
    found = changed(fields={"export": open_export(export(exit_cut="0.2", exit_threshold=0.1, coding="zstd"))})
    model, activations = found.candidate(), found.validation()
    whole = judged(found, model, activations)
    Summing.kept = [0.0] * 4
    for rank in range(3):
        together = judged(replace(found, processes=Summing(rank=rank, count=3)), model, activations)
    assert together.images == whole.images == 60
    for name in ("accuracy", "payload_bytes", "exit_rate"):
        assert getattr(together, name) == pytest.approx(getattr(whole, name)), name


def test_a_verdict_has_the_wilson_interval() -> None:
    found = verdict(Validation(accuracy=0.5, images=100, payload_bytes=7.0))
    assert found["low"] == pytest.approx(0.4038, abs=1e-4)
    assert (found["accuracy"], found["payload_bytes"], found["exit_rate"]) == (0.5, 7.0, None)
