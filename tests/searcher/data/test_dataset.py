"""What a data set promises, and its identity."""

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset, Split, fingerprint


def split(n: int = 2, side: int = 4, label: int = 0) -> Split:
    return Split(torch.zeros(n, 3, side, side, dtype=torch.uint8), torch.full((n,), label))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 3, 4, 5, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(0, 3, 4, 4, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64)),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64)),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int32)),
    ],
)
def test_a_split_of_another_shape_or_dtype_cannot_exist(images: torch.Tensor, labels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="must be"):
        Split(images, labels)


@pytest.mark.parametrize(
    ("train", "val"), [(split(side=5), split()), (split(), split(label=2)), (split(label=-1), split())]
)
def test_a_data_set_with_another_size_or_a_label_without_class_cannot_exist(train: Split, val: Split) -> None:
    with pytest.raises(ValueError, match=r"side|labels"):
        Dataset(name="x", train=train, val=val, classes=("a", "b"), image_size=4, fingerprint="")


def test_the_fingerprint_is_that_of_the_contents() -> None:
    assert fingerprint(split(), split(1), ("a", "b")) == fingerprint(split(), split(1), ("a", "b"))


def test_the_fingerprint_changes_with_a_pixel_a_label_a_class_or_a_part() -> None:
    pixel = split()
    pixel.images[1, 2, 3, 3] = 1
    variants = [
        fingerprint(split(), split(1), ("a", "b")),
        fingerprint(pixel, split(1), ("a", "b")),
        fingerprint(split(label=1), split(1), ("a", "b")),
        fingerprint(split(), split(1), ("a", "c")),
        fingerprint(split(1), split(), ("a", "b")),
    ]
    assert len(set(variants)) == len(variants)
