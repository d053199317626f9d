"""Heads of a front measured."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.measured_front import fold_samples
from splitsearch.spaces.errors import UserError


@pytest.mark.slow
def test_heads_are_measured_beside_what_was_predicted(command: Any, workplace: Path, finished: Path) -> None:
    shutil.copytree(finished, workplace / "measured")
    before = json.loads((finished / "front.json").read_text())
    done = command("run", "--resume", "measured", "--measure", "local", "--json")
    assert done.returncode == 0, done.stderr
    for entry, old in zip(json.loads(done.stdout)["front"], before["front"], strict=True):
        measured = entry["latency"].pop("head_measured")
        assert entry["latency"] == old["latency"]
        assert measured["source"] == "measured"
        assert 0 < measured["p10_ms"] <= measured["ms"] <= measured["p90_ms"]


def test_jobs_are_written_and_their_samples_come_back(command: Any, workplace: Path, finished: Path) -> None:
    run = workplace / "for-a-device"
    shutil.copytree(finished, run)
    done = command("run", "--resume", run.name, "--measure", "jobs")
    assert done.returncode == 0, done.stderr
    jobs = json.loads((run / "jobs" / "jobs.json").read_text())
    assert {row["site"] for row in jobs["items"]} == {"device"}
    assert all((run / "jobs" / row["model"]).is_file() for row in jobs["items"])
    machine = {"board": "a board", "cpu": "a cpu", "cores": 4}
    start = {
        "what": "start",
        "jobs": jobs["id"],
        "runtime": {"name": "onnxruntime"},
        "machine": machine,
        "readings": {},
    }
    visits = [{"what": "visit", "item": row["name"], "round": 0, "samples": [[2.5, 2.5]] * 9} for row in jobs["items"]]
    lines = [start, *visits, {"what": "end", "readings": {}}]
    samples = run / "samples.jsonl"
    samples.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    told = command("front", run.name, "--measured", str(samples), "--json")
    assert told.returncode == 0, told.stderr
    for entry in json.loads(told.stdout)["front"]:
        assert entry["latency"]["head_measured"]["ms"] == 2.5
        assert entry["latency"]["head_measured"]["on"] == "a board, a cpu"
    samples.write_text(json.dumps(start) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="has not ended"):
        fold_samples(run, samples)


def test_other_ways_are_refused(command: Any, finished: Path) -> None:
    done = command("run", "--resume", finished.name, "--measure", "there")
    assert (done.returncode, "must be local or jobs" in done.stderr) == (2, True)
