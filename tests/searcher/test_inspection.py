"""Answers without training."""

from pathlib import Path

import pytest

from splitsearch.searcher.inspection import cuts_document
from splitsearch.spaces.bottleneck.payload import HEADER_BYTES
from splitsearch.spaces.errors import UserError

OWN = """
from torch import nn

class Odd(nn.Module):
    def forward(self, x):
        return x if x.shape[1] > 2 else -x

def make():
    return nn.Sequential(nn.Conv2d(3, 4, 3), Odd(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 7))
"""
TARGET = ("jetson.json", "server_t4.json", "lte")
CONFIG = {"backbone": "resnet18", "cut": "layer2", "head": "mimic", "channels": 12, "bits": 8, "image_size": 64}


def test_macs_of_head_and_tail_add_up_in_every_row() -> None:
    rows = cuts_document("resnet18", 64, "all")["cuts"]
    assert len({row["head_macs"] + row["tail_macs"] for row in rows}) == 1
    assert [row["head_macs"] for row in rows] == sorted(row["head_macs"] for row in rows)
    first = rows[0]
    assert (first["name"], first["shape"], first["bytes_float32"]) == ("conv1", [64, 32, 32], 4 * 64 * 32 * 32)


def test_the_last_cut_is_the_logits_and_leaves_nothing_to_do() -> None:
    last = cuts_document("resnet18", 64, "blocks")["cuts"][-1]
    assert (last["name"], last["shape"], last["tail_macs"]) == ("fc", [1000], 0)


def test_a_backbone_of_ones_own_keeps_its_classes_and_says_what_is_opaque(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(OWN, encoding="utf-8")
    document = cuts_document(f"{tmp_path}/net.py:make", 8, "all")
    assert [row["name"] for row in document["cuts"]] == ["0", "1", "2", "3", "4"]
    assert document["cuts"][-1]["shape"] == [7]
    assert document["opaque"].keys() == {"1"}
    assert document["opaque"]["1"].startswith(f"{tmp_path}/net.py:6: ")


def test_places_that_several_tensors_cross_are_apart() -> None:
    document = cuts_document("resnet18", 64, "all")
    second = next(row for row in document["crossings"] if row["name"] == "layer2.0.bn2")
    assert (second["tensors"], second["shapes"]) == (2, [[64, 16, 16], [128, 8, 8]])
    assert second["elements"] == 64 * 16 * 16 + 128 * 8 * 8
    assert second["bytes_float32"] == 4 * second["elements"]
    assert second["bytes_8bit"] == 2 * HEADER_BYTES + second["elements"]
    assert second["input_ratio"] == second["elements"] / (3 * 64 * 64)
    assert not {row["name"] for row in document["cuts"]} & {row["name"] for row in document["crossings"]}
    assert document["opaque"] == {}


def test_unknown_sets_name_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'blocks'"):
        cuts_document("resnet18", 64, "block")
