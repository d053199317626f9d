"""The front and its verdict."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from splitsearch.searcher.engine.front import (
    FrontHeader,
    against_baselines,
    front_document,
    front_frame,
    verdict,
    write_front,
)
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import Baseline, TrialResult


def result(trial: int, accuracy: float, latency: float, payload: float, **other: Any) -> TrialResult:
    return TrialResult(
        **(
            {
                "trial": trial,
                "state": "complete",
                "key": f"k{trial}",
                "config": {"cut": "c", "head": "mimic", "channels": trial, "bits": 8},
                "values": {"accuracy": accuracy, "latency_ms": latency, "payload_bytes": payload},
                "latency": {"head_ms": 1.0, "transfer_ms": 1.0, "tail_ms": 1.0, "source": "estimated"},
                "macs": {"device": 1, "server": 2},
                "accuracy_interval": (0.1, 0.9),
                "seconds": 1.0,
            }
            | other
        )
    )


def baseline(name: str, accuracy: float, latency: float, payload: float) -> Baseline:
    values = {"accuracy": accuracy, "latency_ms": latency, "payload_bytes": payload}
    return Baseline(name=name, values=values, latency={}, macs={})


def header(*baselines: Baseline) -> FrontHeader:
    return FrontHeader(
        backbone="net",
        dataset="digits",
        device="d",
        server="s",
        network="n",
        objectives=parse_objectives("accuracy,latency_ms,payload_bytes"),
        reference_point={"accuracy": 0.0, "latency_ms": 100.0, "payload_bytes": 1000.0},
        teacher={"accuracy": 0.95},
        baselines=baselines,
    )


def test_the_front_holds_what_no_other_candidate_dominates() -> None:
    results = [
        result(0, 0.9, 50, 100),
        result(1, 0.8, 60, 200),  # dominated
        result(2, 0.95, 80, 300),
        result(3, 0.9, 50, 100, key="k0", repeat_of=0),
        result(4, 0.99, 1, 1, state="pruned", reason="over budget"),
    ]
    document = front_document(header(baseline("local", 0.95, 40, 0)), results)
    assert [entry["trial"] for entry in document["front"]] == [0, 2]
    assert document["front"][0]["dominated_by_baselines"] == ["local"]
    assert document["trials"] == {"complete": 3, "pruned": 1, "failed": 0, "repeated": 1, "seconds": 5.0}
    # Two boxes in shares of the reference: 0.9 x 0.5 x 0.9, and what the second adds above 0.9.
    assert document["hypervolume"] == pytest.approx(0.9 * 0.5 * 0.9 + 0.05 * 0.2 * 0.7)
    assert {"schema", "backbone", "dataset", "device", "server", "network", "objectives"} <= set(document)


def test_an_empty_front_is_a_front(tmp_path: Path) -> None:
    document = front_document(header(baseline("local", 0.95, 40, 0)), [])
    assert (document["front"], document["hypervolume"]) == ([], 0.0)
    write_front(tmp_path, document)
    assert json.loads((tmp_path / "front.json").read_text()) == document
    frame = pd.read_csv(tmp_path / "front.csv")
    assert len(frame) == 0
    assert {"trial", "cut", "accuracy", "head_ms", "source", "server_macs", "accuracy_high"} <= set(frame)


def test_a_candidate_without_an_interval_has_empty_cells() -> None:
    document = front_document(header(), [result(0, 0.9, 50, 100, accuracy_interval=None)])
    assert document["front"][0]["accuracy_interval"] is None
    assert front_frame(document)[["accuracy_low", "accuracy_high"]].isna().all(axis=None)


def test_the_table_has_a_row_per_candidate(tmp_path: Path) -> None:
    document = front_document(header(), [result(0, 0.9, 50, 100), result(2, 0.95, 80, 300)])
    write_front(tmp_path, document)
    frame = pd.read_csv(tmp_path / "front.csv")
    assert frame["trial"].tolist() == [0, 2]
    assert list(frame.columns) == list(front_frame(document).columns)
    assert {"cut", "channels", "accuracy", "latency_ms", "head_ms", "source", "device_macs", "accuracy_low"} <= set(
        frame
    )


@pytest.mark.parametrize(
    ("candidate", "rivals", "words"),
    [
        (
            (0.94, 20),
            [("local", 0.95, 40.0), ("server_raw", 0.95, 60.0)],
            "1 of 1 .* local 40.0 ms: 2.00 times as fast",
        ),
        ((0.94, 50), [("local", 0.95, 40.0)], "No split pays in latency here: local at 40.0 ms"),
        ((0.80, 20), [("local", 0.95, 40.0)], "No candidate on the front stays within 2 points"),
        # A JPEG that ruins the accuracy is no rival.
        ((0.94, 20), [("local", 0.95, 40.0), ("server_jpeg_q10", 0.5, 10.0)], "of that accuracy .* local 40.0"),
        ((0.94, 40), [("local", 0.95, 40.0)], "local at 40.0 ms .* is at least as fast as every candidate"),
        ((0.94, 20), [("server_jpeg_q10", 0.5, 10.0)], "No baseline stays"),
    ],
)
def test_the_verdict_says_plainly_whether_a_split_pays(
    candidate: tuple[float, float], rivals: list[tuple[str, float, float]], words: str
) -> None:
    baselines = [baseline(name, accuracy, latency, 0) for name, accuracy, latency in rivals]
    entries = front_document(header(), [result(0, *candidate, 100)])["front"]
    assert pd.Series([verdict(entries, baselines, 0.95)]).str.contains(words).all()


@pytest.mark.parametrize("hits", range(20, 1001, 20))
def test_two_points_below_the_teacher_are_two_points(hits: int) -> None:
    entries = front_document(header(), [result(0, (hits - 20) / 1000, 20, 100)])["front"]
    assert verdict(entries, [baseline("local", hits / 1000, 40, 0)], hits / 1000).startswith("1 of 1")


def test_how_a_front_stands_against_baselines_is_said_without_zeros() -> None:
    free, not_free = {"dominated_by_baselines": []}, {"dominated_by_baselines": ["local"]}

    def said(*front: dict[str, Any]) -> str:
        return against_baselines({"front": list(front)})

    assert said(free, not_free) == "1 of 2 candidates on the front are dominated by no baseline."
    assert said(not_free, not_free) == "Every candidate on the front is dominated by a baseline."
    assert said(free) == "No candidate on the front is dominated by a baseline."
    assert said() == "There is no candidate on the front."
