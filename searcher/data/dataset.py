"""What the rest of splitsearch sees of a data set: decoded pixels and labels, with an identity."""

import hashlib
import json
from dataclasses import dataclass

import torch

from splitsearch.searcher.training.blocks import as_bytes, checksums

__all__ = ["Dataset", "Split", "fingerprint"]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Labelled images of one part, training or validation.

    Attributes:
        images: uint8 tensor (N, 3, S, S), RGB, N at least 1; in memory, or mapped from the cache and then read only.
        labels: int64 tensor (N,), indices into the data set's classes.
        blocks: checksums of the images' bytes where they are known, as `training.blocks` makes them.

    Raises:
        ValueError: a dtype or a shape is another one.
    """

    images: torch.Tensor
    labels: torch.Tensor
    blocks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        if len(shape) != 4 or shape[0] < 1 or shape[1] != 3 or shape[2] != shape[3]:
            raise ValueError(f"images must be (N, 3, S, S) with N at least 1, not {shape}")
        if tuple(self.labels.shape) != shape[:1]:
            raise ValueError(f"labels must be ({shape[0]},), not {tuple(self.labels.shape)}")
        if self.images.dtype != torch.uint8 or self.labels.dtype != torch.int64:
            raise ValueError(f"images, labels must be uint8, int64, not {self.images.dtype}, {self.labels.dtype}")

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """A data set, decoded at one image size and ready to train on.

    Attributes:
        name: what the user asked for, such as `digits` or `folder:photos`.
        train: the images to train on.
        val: the images that no training sees.
        classes: one name per label.
        image_size: side S of every image in pixels.
        fingerprint: see `fingerprint`; equal for equal pixels, labels and classes, on every machine.
        notes: plain sentences for the user: what was skipped, limited or held out.
        flips: whether an image keeps its label when it is mirrored.
        full_size: side in pixels of the images that costs are computed for, where training sees smaller ones in their
            place; None where they are the same.
        full_val: validation images of that size, for what is measured of images rather than of networks.

    Raises:
        ValueError: a part has images of another size, or a label without a class.
    """

    name: str
    train: Split
    val: Split
    classes: tuple[str, ...]
    image_size: int
    fingerprint: str
    notes: tuple[str, ...] = ()
    flips: bool = False
    full_size: int | None = None
    full_val: Split | None = None

    @property
    def cost_size(self) -> int:
        """Side in pixels of the images that costs are computed for."""
        return self.full_size or self.image_size

    @property
    def proxy_size(self) -> int | None:
        """Side of the smaller images that accuracies are of, None where those are of the real ones."""
        return self.image_size if self.full_size is not None else None

    def __post_init__(self) -> None:
        for part in (self.train, self.val):
            if part.images.shape[-1] != self.image_size:
                raise ValueError(f"images have a side of {part.images.shape[-1]}, not {self.image_size}")
            if int(part.labels.min()) < 0 or int(part.labels.max()) >= len(self.classes):
                raise ValueError(f"labels must be 0 to {len(self.classes) - 1}")


def fingerprint(train: Split, val: Split, classes: tuple[str, ...]) -> str:
    """Returns the SHA-256, 64 hexadecimal digits, over the pixels and labels of both parts and the class names.

    The decoded bytes count, not the files: two machines whose JPEG decoders differ get two fingerprints. Pixels enter
    by the checksums of their blocks: those of mapped images are known, and a hundred gigabytes are not read for them.
    """
    digest = hashlib.sha256(json.dumps(classes).encode())
    for part in (train, val):
        blocks = checksums(as_bytes(part.images)) if part.blocks is None else part.blocks
        digest.update(json.dumps([list(part.images.shape), blocks]).encode())
        digest.update(as_bytes(part.labels).data)
    return digest.hexdigest()
