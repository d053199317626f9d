"""Measuring the machine that the tests run on."""

import json
from pathlib import Path

import pytest
import torch

from splitsearch.profilers.measure import agent, here
from splitsearch.profilers.measure.here import Effort, Request, measure_here, measure_jobs
from splitsearch.profilers.measure.runtimes import RuntimeOptions
from splitsearch.spaces.errors import Interrupted, UserError


@pytest.fixture
def request_of(workplace: Path) -> Request:
    return Request(backbones=(f"{workplace / 'net.py'}:make",), image_size=32, effort=Effort(preset="quick", watts=5.0))


@pytest.fixture(autouse=True)
def few(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "payload_tasks", lambda codec, seed: agent.codec_tasks(
        {"elements": [32], "bits": [8], "sides": [16], "qualities": [75]}))  # fmt: skip


def silent(what: str, done: int, total: int) -> None:
    pass


def test_an_interrupted_measurement_goes_on(request_of: Request, tmp_path: Path) -> None:
    target = tmp_path / "mine.json"

    def stop(what: str, done: int, total: int) -> None:
        if what == "round 3":
            raise Interrupted

    with pytest.raises(Interrupted, match="the same command with --resume goes on from here"):
        measure_here(request_of, RuntimeOptions(name="eager"), target, stop)
    samples = tmp_path / "mine.json.work" / "samples" / "samples.jsonl"
    before = samples.read_text()
    assert '"round": 1' in before
    device = measure_here(request_of, RuntimeOptions(name="eager"), target, silent, resume=True)
    assert samples.read_text().startswith(before)
    assert device.measured is not None
    assert device.measured.protocol.rounds == 4
    assert device.measured.runtime.name == "eager"
    assert {kernel.where for kernel in device.measured.kernels} >= {f"whole {request_of.backbones[0]} 32"}


def test_resuming_something_else_is_refused(request_of: Request, tmp_path: Path) -> None:
    work = tmp_path / "mine.json.work"
    work.mkdir()
    (work / "jobs.json").write_text('{"schema": 1, "id": "other"}')
    with pytest.raises(UserError, match="was begun with other backbones, sizes or presets: leave --resume out"):
        measure_here(request_of, RuntimeOptions(name="eager"), tmp_path / "mine.json", silent, resume=True)


def test_an_unreadable_rail_stops_before_anything_is_built(
    request_of: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(root: str = "/") -> None:
        raise agent.Refusal("the power rail VDD_IN cannot be read")

    monkeypatch.setattr(agent, "rails", refuse)
    request = Request(backbones=request_of.backbones, image_size=32)
    with pytest.raises(UserError, match="the power rail VDD_IN cannot be read"):
        measure_here(request, RuntimeOptions(name="eager"), tmp_path / "mine.json", silent)
    assert list(tmp_path.iterdir()) == []


def test_the_smallest_numbers_are_there_afterwards(request_of: Request, tmp_path: Path) -> None:
    for name in ("eager", "onnxruntime"):
        measure_here(request_of, RuntimeOptions(name=name), tmp_path / f"{name}.json", silent)
        assert torch.tensor(1e-40) * 1 != 0, name


def test_jobs_are_measured_here_where_nobody_has(jobs_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "jobs"
    shutil.copytree(jobs_folder, folder)
    effort = Effort(preset="quick", watts=3.0)
    device = measure_jobs(folder / "jobs.json", RuntimeOptions(), effort, tmp_path / "mine.json", silent)
    assert device.name == "mine"
    assert device.measured is not None
    size = (folder / "samples" / "samples.jsonl").stat().st_size
    again = measure_jobs(folder, RuntimeOptions(), effort, tmp_path / "mine.json", silent)
    assert again == device, "samples that are there are not taken again"
    assert (folder / "samples" / "samples.jsonl").stat().st_size == size
    (folder / "samples" / "samples.jsonl").unlink()

    def stop(what: str, done: int, total: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted, match="the same command with --resume goes on"):
        measure_jobs(folder, RuntimeOptions(), effort, tmp_path / "mine.json", stop)
    with pytest.raises(UserError, match="the measurement has not ended"):
        measure_jobs(folder, RuntimeOptions(), effort, tmp_path / "mine.json", silent)
    assert measure_jobs(folder, RuntimeOptions(), effort, tmp_path / "mine.json", silent, resume=True).measured
    (folder / "samples" / "samples.jsonl").unlink()
    with pytest.raises(
        UserError, match="--jobs holds ONNX files: --runtime must be onnxruntime or tensorrt, not eager"
    ):
        measure_jobs(folder, RuntimeOptions(name="eager"), effort, tmp_path / "mine.json", silent)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Request(backbones=()), "--backbone is missing"),
        (lambda: Request(backbones=("x",), image_size=0), "--image-size must be at least 1 pixel, not 0"),
        (lambda: Effort(watts=0.0), "--watts must be a positive number of watts, not 0"),
        (lambda: Effort(watts=float("nan")), "--watts must be a positive number of watts, not nan"),
    ],
)
def test_requests_that_mean_nothing(make: object, line: str) -> None:
    assert callable(make)
    with pytest.raises(UserError, match=line):
        make()


def test_the_same_request_makes_the_same_jobs(request_of: Request) -> None:
    first, _ = here.prepare_jobs(request_of, ("eager",), silent)
    again, _ = here.prepare_jobs(request_of, ("eager",), silent)
    assert json.dumps(first) == json.dumps(again)
