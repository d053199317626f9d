"""Candidates with random weights that were never trained, and folders that hold them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.export import ExportOptions, write_folder
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.restore import Restored
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.backbones.loading import load_backbone
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants

Choose = Callable[..., Chosen]


def random_images(size: int, count: int = 24) -> Dataset:
    images = torch.randint(
        0, 255, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    part = Split(images=images, labels=torch.arange(count) % 10)
    return Dataset(
        name="n", train=part, val=part, classes=tuple("abcdefghij"), image_size=size, fingerprint=f"random {size}"
    )


def unsettle(module: nn.Module) -> None:
    """Norm layers that would be the identity, and tensors that would vanish over many layers, hide what is missing."""
    torch.manual_seed(2)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = 0.1 * torch.randn(layer.num_features)
            layer.running_var = torch.rand(layer.num_features) * 0.2 + 0.05


def chosen(backbone: str, size: int, directory: Path, **fields: Any) -> Chosen:
    """A candidate of a backbone, as a run would have left it."""
    torch.manual_seed(0)
    name = f"{directory / backbone}" if ".py:" in backbone else backbone
    module = load_backbone(name, classes=10, weights="none").module
    unsettle(module)
    variants = Variants.trace(name, module, size)
    usual: dict[str, Any] = {"head": "original", "channels": 4, "bits": 8, "image_size": size}
    config = SplitConfig(**(usual | {"backbone": backbone} | fields))
    model = assemble(config, variants)
    for stage in model.stages:
        stage.module.eval()
    if model.exit is not None:  # an untrained classifier is sure of nothing; this one of some images
        model.exit.stage.module.eval().classify.weight.data.mul_(30)
    values = {"accuracy": 0.1, "latency_ms": 1.0, "payload_bytes": 30.0, "energy_mj": 1.0}
    entry = {"trial": 3, "config": config.to_json(), "values": values}
    baseline = {"name": "local", "values": {"accuracy": 0.2, "payload_bytes": 0.0}, "codec": None}
    return Chosen(
        document={"baselines": [baseline], "front": [entry]},
        settings=RunSettings(backbone=backbone, device_profile="jetson", directory=str(directory), weights="none"),
        entry=entry,
        restored=Restored(
            config=config,
            model=model,
            teacher=Teacher(variants=variants, accuracy=0.2, how="given", cached=False),
            data=random_images(size),
        ),
    )


@pytest.fixture(scope="session")
def candidate(workplace: Path) -> Chosen:
    """A head with an exit before the cut, 4 bits, and a fused answer."""
    fields = {"cut": "2.2", "exit_cut": "0.2", "exit_threshold": 0.6, "exit_fusion": 0.5, "bits": 4}
    return chosen("net.py:make", 32, workplace, **fields)


@pytest.fixture(scope="session")
def exported(candidate: Chosen, tmp_path_factory: pytest.TempPathFactory) -> ExportFolder:
    """That candidate, exported with ONNX."""
    folder = tmp_path_factory.mktemp("deploy") / "exported"
    write_folder(candidate, folder, ExportOptions(), SilentReporter())
    return open_export(folder)


@pytest.fixture
def copied(exported: ExportFolder, tmp_path: Path) -> ExportFolder:
    """The exported folder for a test that changes it."""
    folder = tmp_path / "copied"
    folder.mkdir()
    for file in exported.path.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return replace(exported, path=folder)


@pytest.fixture(scope="session")
def choose() -> Choose:
    """Makes a candidate of any backbone."""
    return chosen
