"""A finished run elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.retargeting import Retargeting, retarget
from splitsearch.spaces.errors import UserError


def test_the_same_target_gives_the_same_front(command: Any, workplace: Path, finished: Path) -> None:
    done = command("retarget", finished.name, "--json")
    assert done.returncode == 0, done.stderr
    first, second = json.loads((finished / "front.json").read_text()), json.loads(done.stdout)
    for document in (first, second):
        for entry in document["front"]:
            entry.pop("dominated_by_baselines")  # encode times are measured anew
    assert second["front"] == first["front"]
    assert second["reference_point"] == first["reference_point"]
    assert second["trials"]["seconds"] == 0


def test_another_network_changes_costs_and_no_accuracy(command: Any, workplace: Path, finished: Path) -> None:
    done = command("retarget", finished.name, "--network", "lora", "--device-profile", "raspberry_pi_4", "--out", "far")
    assert done.returncode == 0, done.stderr
    document = json.loads((workplace / "far" / "front.json").read_text())
    known = {line["key"]: line for line in read_lines(finished / "trials.jsonl")}
    assert document["front"]
    for entry in document["front"]:
        old = known[entry["key"]]["values"]
        assert entry["values"]["accuracy"] == old["accuracy"]
        assert entry["values"]["latency_ms"] > old["latency_ms"]


def test_a_search_goes_on_from_there(command: Any, workplace: Path, finished: Path) -> None:
    done = command("retarget", finished.name, "--network", "wifi", "--trials", "2", "--out", "onward", "--json")
    assert done.returncode == 0, done.stderr
    lines = read_lines(workplace / "onward" / "trials.jsonl")
    complete = [line for line in lines if line["state"] == "complete" and line["repeat_of"] is None]
    assert len(complete) == 8
    assert sum(line["seconds"] > 0 for line in complete) == 2
    front = json.loads(done.stdout)
    kept = {f"trial-{entry['trial']:05d}.safetensors" for entry in front["front"]}
    present = {path.name for path in (workplace / "onward" / "checkpoints").glob("trial-*")}
    trained = {f"trial-{line['trial']:05d}.safetensors" for line in complete if line["seconds"] > 0}
    assert kept & trained <= present <= kept


def test_what_is_no_run_is_refused(tmp_path: Path, finished: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        retarget(Retargeting(run=tmp_path, changes={}), SilentReporter())
    with pytest.raises(UserError, match="with --out"):
        retarget(Retargeting(run=finished, changes={}, trials=3), SilentReporter())
