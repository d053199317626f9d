"""Teachers and small networks of a run."""

from pathlib import Path

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.teachers import check_models, check_models_take, models_of, teacher_of
from splitsearch.searcher.training.cache import Cache
from splitsearch.spaces.errors import UserError

CODE = """
from torch import nn


def make():
    return nn.Sequential(nn.Conv2d(3, 4, 3, 4), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(4, 10))
"""


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


@pytest.fixture
def data() -> Dataset:
    images = torch.randint(0, 255, (40, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    part = Split(images=images, labels=torch.arange(40) % 10)
    return Dataset(name="n", train=part, val=part, classes=tuple("abcdefghij"), image_size=32, fingerprint="n")


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    (tmp_path / "net.py").write_text(CODE, encoding="utf-8")
    return RunSettings(
        backbone="net.py:make",
        device_profile="jetson",
        weights="none",
        teacher_epochs=1,
        baseline=("net.py:make",),
        directory=str(tmp_path),
    )


def test_a_small_network_is_made_as_the_teacher_is_and_cached(
    settings: RunSettings, data: Dataset, tmp_path: Path
) -> None:
    listener, cache = Listener(), Cache(tmp_path / "cache")
    models = models_of(settings, data, cache, listener)
    assert listener.heard == []  # nothing is made before it is asked for
    small = models["net.py:make"]()
    teacher = teacher_of(settings, data, cache, listener)
    assert (small.how, small.cached, teacher.cached) == ("trained from scratch, 1 epoch", False, True)
    assert small.accuracy == teacher.accuracy
    assert [line.split(":")[0] for line in listener.heard if line.startswith(("teacher", "baseline"))] == [
        "baseline net.py",
        "teacher net.py",
    ]


def test_wrong_models_are_named_with_their_flag(settings: RunSettings) -> None:
    check_models(("mobilenet_v3_small", "net.py:make"))
    with pytest.raises(UserError, match=r"--baseline mobilenet_v3_smal: .* did you mean 'mobilenet_v3_small'"):
        check_models(("mobilenet_v3_smal",))
    with pytest.raises(UserError, match=r"would be called local_make"):
        check_models(("a.py:make", "b.py:make"))
    check_models_take(settings, 32)
    with pytest.raises(UserError, match=r"--baseline net\.py:make: .* does not take images of 2 x 2"):
        check_models_take(settings, 2)
