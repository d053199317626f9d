"""A data set that a tiny network can learn, and lessons on it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, prepare
from splitsearch.searcher.training.runner import Training
from splitsearch.searcher.training.stepping import PLAIN, Stepping
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants

BASE = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32)
MakeTraining = Callable[..., Training]


def split(count: int, seed: int) -> Split:
    """Images whose brightness is their class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    noise = torch.randint(0, 20, (count, 3, 32, 32), generator=generator)
    return Split(images=(labels[:, None, None, None] * 23 + noise).to(torch.uint8), labels=labels)


@pytest.fixture
def data() -> Dataset:
    classes = tuple(map(str, range(10)))
    return Dataset(
        name="bright", train=split(120, 0), val=split(40, 1), classes=classes, image_size=32, fingerprint="bright"
    )


@pytest.fixture
def tutor(data: Dataset, variants: Variants) -> Tutor:
    return Tutor(data=data, activations=Activations(variants, data.train.images))


@pytest.fixture
def training(variants: Variants, tutor: Tutor) -> MakeTraining:
    """Makes a training that has not begun, by trainer, recipe and changes of the candidate."""

    def make(trainer: str = "hnd", recipe: Recipe | None = None, **changes: Any) -> Training:
        torch.manual_seed(0)
        config = replace(BASE, **changes)
        short = recipe or Recipe(epochs=3, batch_size=16)
        return prepare(TRAINERS.get(trainer), config, assemble(config, variants), tutor, short, seed=0)[1]

    return make


@pytest.fixture
def make(variants: Variants, tutor: Tutor) -> MakeTraining:
    """Makes a training by `stepping`, `decay`, `recipe` and changes of the candidate."""

    def made(
        stepping: Stepping = PLAIN, decay: float | None = None, recipe: Recipe | None = None, **changes: Any
    ) -> Training:
        torch.manual_seed(0)
        config = replace(BASE, **changes)
        short = recipe or Recipe(epochs=3, batch_size=16)
        model = assemble(config, variants)
        return prepare(TRAINERS.get("hnd"), config, model, tutor, short, seed=0, stepping=stepping, decay=decay)[1]

    return made
