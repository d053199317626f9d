"""`imagenet`: ILSVRC 2012 in torchvision's own layout. Never downloaded, never unpacked."""

from pathlib import Path
from typing import Any

import numpy as np

from splitsearch.searcher.data.files import FileSource
from splitsearch.searcher.data.registry import dataset
from splitsearch.searcher.data.source import SourcePair, reason
from splitsearch.spaces.errors import UserError

__all__ = ["open_imagenet"]

LAYOUT = "DIR/meta.bin (or the devkit archive), DIR/train/<wnid>/*, DIR/val/<wnid>/*"


@dataset("imagenet", flips=True)
def open_imagenet(_argument: str, data_dir: Path | None) -> SourcePair:
    """Opens ImageNet in `data_dir`; labels are in the order of the WordNet ids, as torchvision's weights expect.

    Raises:
        UserError: `data_dir` is not laid out that way, or its two parts have different classes.
    """
    if data_dir is None:
        raise UserError(f"data set 'imagenet' needs --data-dir DIR with torchvision's layout: {LAYOUT}")
    for part in ("train", "val"):  # without them torchvision would start to unpack 150 GB
        if not (data_dir / part).is_dir():
            raise UserError(f"no ImageNet in '{data_dir}': the folder '{part}' is missing; its layout is {LAYOUT}")
    train, val = _read(data_dir, "train"), _read(data_dir, "val")
    if train.wnids != val.wnids:
        odd = sorted(set(train.wnids) ^ set(val.wnids))[0]
        raise UserError(f"train and val in '{data_dir}' must hold the same classes; '{odd}' is in one of them only")
    classes = tuple(names[0] for names in train.classes)
    return SourcePair(train=_source(train), val=_source(val), classes=classes)


def _read(data_dir: Path, part: str) -> Any:
    from torchvision.datasets import ImageNet

    try:
        return ImageNet(data_dir, split=part)
    except (RuntimeError, OSError, KeyError, ImportError) as error:
        fault = f"cannot read ImageNet's {part} in '{data_dir}' ({reason(error)})"
        raise UserError(f"{fault}; its layout is {LAYOUT}") from error


def _source(part: Any) -> FileSource:
    paths = tuple(Path(path) for path, _ in part.samples)
    return FileSource(paths, np.asarray(part.targets, dtype=np.int64), Path(part.root))
