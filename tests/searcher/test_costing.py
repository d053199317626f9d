"""What one candidate costs; the published figures, reproduced."""

from typing import Any

import pytest

from splitsearch.profilers.devices.device import load_device
from splitsearch.searcher.costing import Wishes, profile_document
from splitsearch.spaces.errors import UserError

TARGET = ("jetson.json", "server_t4.json", "lte")
CONFIG = {"backbone": "resnet18", "cut": "layer2", "head": "mimic", "channels": 12, "bits": 8, "image_size": 64}


def stage(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(stage for stage in document["stages"] if stage["name"] == name)


def test_a_candidate_stands_beside_the_baselines() -> None:
    document = profile_document(CONFIG, TARGET)
    assert set(document["profiles"]) == {"candidate", "local", "server_raw"}
    assert document["config"]["cut"] == "layer2.1.relu_1"
    assert document["source"] == "estimated"
    assert document["device"] == load_device("jetson").name


def test_without_a_cut_the_baselines_alone() -> None:
    assert set(profile_document(CONFIG | {"cut": None}, TARGET)["profiles"]) == {"local", "server_raw"}


def test_the_stages_add_up_to_the_candidate() -> None:
    document = profile_document(CONFIG | {"head": "original", "exit_cut": "layer1", "resolution": 0.5}, TARGET)
    assert [s["name"] for s in document["stages"]] == [
        "resize", "head", "head_after_exit", "encoder", "decoder", "tail", "exit"
    ]  # fmt: skip
    candidate = document["profiles"]["candidate"]
    for site in ("device", "server"):
        assert sum(s["macs"] for s in document["stages"] if s["site"] == site) == candidate[f"{site}_macs"]
    # The exit branch stands apart: everything up to the exit, and nothing that is sent.
    until_exit = [s["macs"] for s in document["stages"] if s["name"] in ("head", "exit")]
    assert candidate["exit"]["device_macs"] == sum(until_exit)
    assert candidate["exit"]["latency_ms"] < candidate["latency"]["head_ms"]
    assert candidate["exit"]["exit_parameters"] == 64 * 1000 + 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 999}, "above the 128 channels"),
        ({"cut": "layer9"}, "no cut 'layer9'; did you mean 'layer"),
        ({"bits": 9}, "bits must be one of"),
        ({"head": "mimick"}, "did you mean 'mimic'"),
        ({"image_size": 0}, "at least 1 pixel"),
        ({"head": "original", "exit_cut": "layer4"}, "exit at layer4.* lies after the cut"),
        ({"encoder": "hdn"}, "did you mean 'hnd'"),
        ({"decoder": "hnd_inception"}, "the decoder 'hnd_inception' makes"),
        ({"division": 3}, "division must be one of 1, 2, 4, 8"),
        ({"tail_pruning": 1.0}, "tail_pruning must be at least 0 and below 1"),
        ({"tail_pruning": 0.9999}, r"ratio of 0\.9999 would leave layer\S+ empty"),
        ({"backbone": None}, "--backbone is missing"),
    ],
)
def test_impossible_candidates_are_explained(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        profile_document(CONFIG | change, TARGET)


@pytest.mark.parametrize(
    ("backbone", "b", "map_side", "macs_m", "parameters", "saved"),
    [
        ("resnet152", 3, 29, 118.66, 10_432, 0.956),
        ("resnet152", 12, 29, 120.60, 12_736, 0.955),
        ("densenet169", 3, 29, 118.66, 10_432, 0.943),
        ("densenet169", 12, 29, 120.60, 12_736, 0.942),
        ("densenet201", 6, 29, None, 11_200, 0.943),
        ("densenet201", 9, 29, None, 11_968, 0.942),
        ("inception_v3", 3, 37, 204.35, 10_432, 0.848),
    ],
)
def test_hnd(backbone: str, b: int, map_side: int, macs_m: float | None, parameters: int, saved: float) -> None:
    document = profile_document({"backbone": backbone, "channels": b}, TARGET, "hnd")
    bottleneck = document["bottleneck"]
    assert bottleneck["shape"] == [b, map_side, map_side]
    assert bottleneck["tensor_bytes"] == b * map_side**2
    encoder = stage(document, "encoder")
    assert encoder["parameters"] == parameters
    if macs_m is not None:
        assert encoder["macs"] / 1e6 == pytest.approx(macs_m, abs=0.005)
    assert document["backbone_head"]["device_macs_saved"] == pytest.approx(saved, abs=0.001)


def test_hnd_densenet169_student_and_teacher_head() -> None:
    document = profile_document({"channels": 12}, TARGET, "hnd:densenet169")
    assert stage(document, "encoder")["parameters"] + stage(document, "decoder")["parameters"] == 2_137_560
    assert document["backbone_head"]["parameters"] == 1_429_632
    assert document["backbone_head"]["macs"] / 1e6 == pytest.approx(2076.9, abs=0.1)


@pytest.mark.parametrize(("variant", "side", "macs_m"), [("ver1", 56, 5.53), ("ver2", 29, 118.66), ("ver3", 15, 229.6)])
def test_bottlefit_placements(variant: str, side: int, macs_m: float) -> None:
    document = profile_document({"channels": 3}, TARGET, f"bottlefit:resnet152_{variant}")
    assert document["bottleneck"]["shape"] == [3, side, side]
    assert stage(document, "encoder")["macs"] / 1e6 == pytest.approx(macs_m, abs=0.05)


def test_sc2() -> None:
    assert profile_document({}, TARGET, "sc2:crbq")["bottleneck"]["shape"] == [3, 60, 60]
    entropic = profile_document({}, TARGET, "sc2:entropic")
    assert entropic["bottleneck"]["shape"] == [24, 55, 55]
    assert stage(entropic, "encoder")["parameters"] == 138_672


@pytest.mark.parametrize(("variant", "gmacs"), [(1, 1.20), (2, 1.25), (3, 1.83), (4, 2.39), (5, 3.22)])
def test_edgecompress(variant: int, gmacs: float) -> None:
    """The published figures hold the 0.09 GMACs of a crop predictor, which is no part of the classifier."""
    candidate = profile_document({}, TARGET, f"edgecompress:static{variant}")["profiles"]["candidate"]
    assert candidate["device_macs"] / 1e9 == pytest.approx(gmacs - 0.09, rel=0.01)


@pytest.mark.parametrize(
    ("variant", "division", "millions", "gmacs"),
    [
        ("wide_resnet28_10", 1, 36.5, 5.25),
        ("wide_resnet28_10", 2, 35.8, 5.16),
        ("wide_resnet28_10", 4, 36.7, 5.28),
        ("resnet110", 1, 1.17, 0.17),
        ("resnet110", 2, 1.33, 0.20),
        ("resnet110", 4, 1.21, 0.18),
        ("resnet164", 1, 1.73, 0.25),
        ("resnet164", 2, 1.96, 0.29),
        ("resnet164", 4, 1.78, 0.26),
        ("resnext29_8x64d", 1, 34.5, 5.41),
        ("resnext29_8x64d", 2, 35.4, 5.50),
        ("resnext29_8x64d", 4, 36.9, 5.67),
        ("resnext101_64x4d", 1, 83.6, 16.9),
        ("resnext101_64x4d", 2, 88.6, 18.8),
        ("wide_resnet50_3", 1, 135.0, 23.8),
        ("wide_resnet50_3", 2, 138.0, 25.6),
    ],
)
def test_splitnet(variant: str, division: int, millions: float, gmacs: float) -> None:
    """The published operations count two for every number that a batch norm gives; a MAC is what multiplies and adds.

    `tests/spaces/variants/test_division.py` counts as they do, and agrees within 1 %.
    """
    candidate = profile_document({"division": division}, TARGET, f"splitnet:{variant}")["profiles"]["candidate"]
    assert candidate["device_parameters"] / 1e6 == pytest.approx(millions, rel=0.01)
    assert 0.9 * gmacs < candidate["device_macs"] / 1e9 < 1.01 * gmacs


def test_the_light_decoder_costs_a_fraction_of_the_published_one() -> None:
    published = profile_document({"channels": 3}, TARGET, "hnd:resnet152")
    light = profile_document({"channels": 3, "decoder": "light"}, TARGET, "hnd:resnet152")
    assert stage(published, "decoder")["macs"] > published["backbone_head"]["macs"]
    assert stage(light, "decoder")["macs"] < 0.1 * stage(published, "decoder")["macs"]


def test_wishes_about_network_and_server_are_heard() -> None:
    wishes = Wishes(server_load=0.5, uplink_mbps=20.0, rtt_ms=5.0, bandwidth_sweep=True)
    document = profile_document(CONFIG, TARGET, None, wishes)
    assert document["network"] == "4G LTE, uplink 20 Mbit/s, RTT 5 ms"
    latency = document["profiles"]["candidate"]["latency"]
    assert latency["rtt_ms"] == 5.0
    assert latency["queue_ms"] == pytest.approx(latency["tail_ms"] / 2)
    assert latency["total_ms"] == pytest.approx(
        sum(latency[name] for name in ("head_ms", "transfer_ms", "queue_ms", "tail_ms"))
    )
    rows = document["bandwidth_sweep"]
    assert {name for row in rows for name in row["latency_ms"]} == {"candidate", "local", "server_raw"}
    same = next(row for row in rows if row["uplink_mbps"] == 20.0)
    assert same["latency_ms"]["candidate"] == pytest.approx(document["profiles"]["candidate"]["latency_ms"])


def test_what_the_figures_leave_out_is_listed() -> None:
    whole = profile_document({"backbone": "resnet18", "image_size": 64}, TARGET)
    assert whole["uncounted_operators"]["BatchNorm2d"] == 20
    assert whole["unknown_operators"] == []
    split = profile_document({"backbone": "resnet18", "image_size": 64, "cut": "layer2", "head": "mimic"}, TARGET)
    assert split["uncounted_operators"]["BatchNorm2d"] < 20
