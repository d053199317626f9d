"""A data set that a tiny network can learn."""

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import Tutor
from splitsearch.spaces.variants.variants import Variants


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
