"""Predicted against measured, on the machine that the tests run on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.devices.measured import Pace
from splitsearch.profilers.measure import recheck
from splitsearch.profilers.measure.agent import YARDSTICK
from splitsearch.profilers.measure.document import profile_of, read_samples
from splitsearch.profilers.measure.here import Effort
from splitsearch.profilers.measure.jobs import read_jobs
from splitsearch.profilers.measure.recheck import check_here, options_of, subjects_of
from splitsearch.profilers.measure.runtimes import RuntimeOptions
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.variants.variants import Variants


def silent(what: str, done: int, total: int) -> None:
    pass


def test_candidates_and_the_table_are_subjects(variants: Variants) -> None:
    subjects = subjects_of(variants, candidates=4, cuts=2, seed=3)
    table = [subject for subject in subjects if subject.kind == "table"]
    assert [subject.stages[0].name for subject in table] in (["head", "tail"] * 2, ["head", "head", "tail", "tail"])
    assert all(stage.original and stage.cut for subject in table for stage in subject.stages)
    new = [subject for subject in subjects if subject.kind != "table"]
    assert len(new) == 8
    for subject in new:
        assert subject.item.input_shape == subject.stages[0].input_shape
        assert subject.item.site == subject.stages[0].site


def test_a_profile_is_checked_where_it_was_measured(measured_jobs: Callable[[], Path], jobs_folder: Path) -> None:
    _, jobs = read_jobs(jobs_folder)
    device = profile_of(jobs, read_samples(measured_jobs(), jobs), "mine")
    assert device.measured is not None
    assert options_of(device.measured).name == "onnxruntime"
    rows, parts, slower = check_here(device, (), (2, 1), Effort(preset="quick", seed=5), silent)
    assert [row.kind for row in rows].count("table") == 2
    assert len(rows) == 2 + len(parts) == 6
    assert slower is not None
    assert 0.2 < slower < 5
    for row in rows:
        assert row.predicted.ms > 0
        assert row.measured_ms > 0
        assert json.dumps(row.to_json())
    assert all(part.kernels and part.config and part.site for part in parts)


def test_what_a_slower_machine_takes_is_told_at_the_pace_that_was_asked_for(
    variants: Variants, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = subjects_of(variants, candidates=0, cuts=1, seed=0)[0].item
    lines = [
        {"what": "visit", "item": name, "round": number, "samples": [[8.0, 8.0]] * 3, "yardstick": 2.0}
        for number in range(4)
        for name in (item.name, YARDSTICK)
    ]
    monkeypatch.setattr(recheck, "_lines", lambda *_: lines)
    pace = Pace(macs=9, p10_ms=0.5, p50_ms=1.0, p90_ms=1.5)
    taken = recheck.measure_items([item], RuntimeOptions(), Effort(), silent, pace)
    assert taken.halves == {item.name: ([(4.0, 4.0)] * 6, [(4.0, 4.0)] * 6)}
    assert taken.observed_ms[item.name] == 8
    assert taken.slower == 2
    as_it_is = recheck.measure_items([item], RuntimeOptions(), Effort(), silent)
    assert as_it_is.halves[item.name][0][0] == (8.0, 8.0)
    assert as_it_is.slower is None


def test_a_profile_without_measurements_cannot_be_checked() -> None:
    with pytest.raises(UserError, match="was not measured: `splitsearch device measure` makes one"):
        check_here(load_device("jetson"), (), (1, 1), Effort(), silent)
