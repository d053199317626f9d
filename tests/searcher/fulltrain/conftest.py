"""Export folders of a tiny network on images whose brightness is their class: what they hold was never trained."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.export import ExportOptions, write_folder
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.restore import Restored, data_of, teacher_for
from splitsearch.searcher.fulltrain.job import Job, train
from splitsearch.searcher.fulltrain.material import Material, gather
from splitsearch.searcher.fulltrain.settings import resolved
from splitsearch.searcher.reporter import Reporter, SilentReporter
from splitsearch.searcher.settings import RunSettings, read_settings
from splitsearch.searcher.training.processes import ALONE
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig

SILENT = SilentReporter()
SHORT: dict[str, Any] = {"subset": 160, "epochs": 2, "batch_size": 40}

Exporting = Callable[..., Path]
Training = Callable[..., dict[str, Any]]


def images_file(path: Path, classes: int = 10) -> str:
    """240 training and 60 validation images of 32 pixels."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 240), ("val", 60)):
        labels = np.arange(count) % classes
        noise = rng.integers(0, 60, (count, 32, 32, 3))
        arrays |= {f"{part}_images": (labels[:, None, None, None] * 19 + noise).astype(np.uint8)}
        arrays |= {f"{part}_labels": labels}
    np.savez(path, **arrays)
    return f"npz:{path}"


@pytest.fixture(scope="session")
def run_settings(workplace: Path) -> RunSettings:
    """Of a run that never was."""
    return RunSettings(
        backbone="net.py:make",
        device_profile="jetson",
        weights="none",
        dataset=images_file(workplace / "bright.npz"),
        teacher_epochs=5,
        cache_dir=str(workplace / "cache"),
        directory=str(workplace),
    )


@pytest.fixture(scope="session")
def export(run_settings: RunSettings, tmp_path_factory: pytest.TempPathFactory) -> Exporting:
    """Exports a candidate by its fields, without ONNX unless it is asked for."""
    data = data_of(run_settings, SILENT)
    teacher = teacher_for(run_settings, data, SILENT)

    def exported(*, onnx: bool = False, **fields: Any) -> Path:
        usual: dict[str, Any] = {"cut": "1.2", "head": "original", "channels": 4, "bits": 8}
        given = usual | {"backbone": "net.py:make", "image_size": data.image_size} | fields
        config = SplitConfig(**given)
        torch.manual_seed(5)
        values = {"accuracy": 0.1, "latency_ms": 1.0, "payload_bytes": 30.0, "energy_mj": 1.0}
        entry = {"trial": 3, "config": config.to_json(), "values": values}
        model = assemble(config, teacher.variants)
        for stage in (*model.stages, *((model.exit.stage,) if model.exit else ())):
            stage.module.eval()
        chosen = Chosen(
            document={"baselines": [], "front": [entry]},
            settings=run_settings,
            entry=entry,
            restored=Restored(config=config, model=model, teacher=teacher, data=data),
        )
        folder = tmp_path_factory.mktemp("exported") / "deployed"
        write_folder(chosen, folder, ExportOptions(onnx=onnx, check_images=100), SILENT)
        return folder

    return exported


@pytest.fixture(scope="session")
def opened(export: Exporting) -> ExportFolder:
    """One candidate, read alone."""
    return open_export(export())


@pytest.fixture
def material(opened: ExportFolder) -> Material:
    """What a short training of it works with."""
    return gathered(opened)


def gathered(opened: ExportFolder, **given: Any) -> Material:
    run = read_settings(opened.settings)
    settings = resolved(SHORT | given, run, opened.config, on_gpu=False)
    return gather(opened, run, settings, ALONE, SILENT)


@pytest.fixture(scope="session")
def go() -> Training:
    """Trains, in this process."""

    def trained(folder: Path, *, reporter: Reporter = SILENT, **given: Any) -> dict[str, Any]:
        how = {name: given.pop(name) for name in ("out", "resume", "tensorboard") if name in given}
        how = {"tensorboard": False} | how
        flags = given if how.get("resume") else SHORT | given
        job = Job(config=folder / "config.yaml", given=flags, resuming="splitsearch train … --resume", **how)
        return train(job, ALONE, reporter)

    return trained


class Killed(BaseException):
    """What a kill -9 is to a process: nothing more is done."""


class Watching(SilentReporter):
    """Calls a function at the n-th step, and keeps what was said."""

    def __init__(self, step: int = -1, act: Callable[[], None] | None = None) -> None:
        self.said: list[str] = []
        self._step, self._act = step, act

    def say(self, text: str) -> None:
        self.said.append(text)

    def progress(self, text: str, done: int, total: int) -> None:
        if text.startswith("epoch") and done == self._step and self._act is not None:
            self._act()


@pytest.fixture
def watching() -> Callable[..., Watching]:
    return Watching


@pytest.fixture
def killing() -> Callable[[int], Watching]:
    """A reporter that ends everything at a step."""

    def at(step: int) -> Watching:
        def kill() -> None:
            raise Killed

        return Watching(step, kill)

    return at


@pytest.fixture
def changed(opened: ExportFolder) -> Callable[..., Material]:
    """Material of a short training with other flags, or with fields of its own replaced."""

    def made(fields: dict[str, Any] | None = None, **given: Any) -> Material:
        return replace(gathered(opened, **given), **(fields or {}))

    return made
