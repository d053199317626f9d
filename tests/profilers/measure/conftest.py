"""A backbone of one's own as a file, and a small measurement of it that the tests share."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.profilers.measure import agent
from splitsearch.profilers.measure.here import Effort, Request, prepare_jobs, run_agent
from splitsearch.profilers.measure.jobs import write_jobs, write_onnx
from splitsearch.profilers.measure.runtimes import RuntimeOptions, make_runtime


def silent(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture(autouse=True)
def usual_numbers() -> Iterator[None]:
    """ONNX Runtime's sessions turn the smallest numbers off for their thread; the next test wants them back."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def jobs_folder(workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Jobs of a tiny backbone, as `device jobs` writes them."""
    folder = tmp_path_factory.mktemp("jobs")
    request = Request(backbones=(f"{workplace / 'net.py'}:make",), image_size=32, effort=Effort(preset="quick"))
    jobs, items = prepare_jobs(request, ("onnxruntime", "tensorrt"), silent)
    jobs["codec"] |= {"elements": [64], "bits": [8], "qualities": [75]}
    write_onnx(folder, items)
    write_jobs(folder, jobs)
    return folder


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four rounds, whatever the preset."""
    monkeypatch.setattr(agent, "PRESETS", {name: {"seconds": 3600.0, "least": 4, "most": 4} for name in agent.PRESETS})
    monkeypatch.setattr(agent, "PROFILED_RUNS", 2)


@pytest.fixture
def measured_jobs(jobs_folder: Path, tmp_path: Path, short: None) -> Callable[[], Path]:
    """Measures the jobs here, into a folder of the caller's own."""

    def call() -> Path:
        jobs: dict[str, Any] = json.loads((jobs_folder / "jobs.json").read_text())
        runtime = make_runtime(RuntimeOptions(), jobs_folder, {})
        run_agent(jobs, runtime, tmp_path / "samples", Effort(preset="quick", watts=5.0), silent)
        return tmp_path / "samples" / "samples.jsonl"

    return call
