"""`splitsearch front`."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd


def test_table_json_and_csv_tell_the_same_front(command: Any, finished: Path) -> None:
    document = json.loads(command("front", str(finished), "--json").stdout)
    frame = pd.read_csv(io.StringIO(command("front", str(finished), "--csv").stdout))
    assert frame["trial"].tolist() == [entry["trial"] for entry in document["front"]]
    table = command("front", str(finished)).stdout
    assert all(baseline["name"] in table for baseline in document["baselines"])
    assert "estimated" in table


def test_json_and_csv_exclude_each_other(command: Any, finished: Path) -> None:
    assert command("front", str(finished), "--json", "--csv").returncode == 2


def test_a_spoilt_front_is_named(command: Any, workplace: Path) -> None:
    (workplace / "spoilt").mkdir()
    (workplace / "spoilt" / "front.json").write_text("{", encoding="utf-8")
    assert "is no JSON" in command("front", "spoilt").stderr
    (workplace / "spoilt" / "front.json").write_text('{"schema": 9}', encoding="utf-8")
    assert "has schema 9; this release reads 1" in command("front", "spoilt").stderr
