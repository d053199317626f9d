"""What every source delivers."""

from pathlib import Path

import torch
from torch import nn

from splitsearch.spaces.backbones.backbone import digest, file_hash, finish


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 10))


def test_the_classifier_fits_the_data() -> None:
    same, other = (finish("net", network(), (10, classes), "own", "here") for classes in (10, 4))
    assert not same.new_classifier
    assert other.new_classifier
    assert other.module(torch.zeros(2, 3, 2, 2)).shape == (2, 4)
    assert not other.module.training


def test_fingerprints_tell_sources_apart(tmp_path: Path) -> None:
    first, second = (finish("net", network(), (10, 10), "own", source).fingerprint for source in "ab")
    assert first != second
    assert len(digest("a")) == 32
    (tmp_path / "a").write_bytes(b"")
    assert file_hash(tmp_path / "a").startswith("e3b0c44298fc1c14")  # SHA-256 of nothing
