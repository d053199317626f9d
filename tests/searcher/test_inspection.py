"""Answers without training."""

import pytest

from splitsearch.profilers.device import load_device
from splitsearch.searcher.inspection import cut_rows, profile_document
from splitsearch.spaces.errors import UserError

TARGET = ("jetson.json", "server_t4.json", "lte")
CONFIG = {"backbone": "resnet18", "cut": "layer2", "head": "mimic", "channels": 12, "bits": 8, "image_size": 64}


def test_macs_of_head_and_tail_add_up_in_every_row() -> None:
    rows = cut_rows("resnet18", 64, "all")
    assert len({row["head_macs"] + row["tail_macs"] for row in rows}) == 1
    assert [row["head_macs"] for row in rows] == sorted(row["head_macs"] for row in rows)
    first = rows[0]
    assert (first["name"], first["shape"], first["bytes_float32"]) == ("conv1", [64, 32, 32], 4 * 64 * 32 * 32)


def test_a_candidate_stands_beside_the_baselines() -> None:
    document = profile_document(CONFIG, TARGET)
    assert set(document["profiles"]) == {"candidate", "local", "server_raw"}
    assert document["config"]["cut"] == "layer2.1.relu_1"
    assert document["source"] == "estimated"
    assert document["device"] == load_device("jetson").name


def test_without_a_cut_the_baselines_alone() -> None:
    assert set(profile_document(CONFIG | {"cut": None}, TARGET)["profiles"]) == {"local", "server_raw"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 999}, "above the 128 channels"),
        ({"cut": "layer9"}, "no cut 'layer9'"),
        ({"bits": 9}, "bits must be one of"),
        ({"head": "mimick"}, "did you mean 'mimic'"),
        ({"image_size": 0}, "at least 1 pixel"),
    ],
)
def test_impossible_candidates_are_explained(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        profile_document(CONFIG | change, TARGET)


def test_unknown_sets_name_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'blocks'"):
        cut_rows("resnet18", 64, "block")
