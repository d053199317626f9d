"""`splitsearch run --json`."""

import json
from pathlib import Path
from typing import Any


def test_json_is_the_front_and_nothing_else(command: Any, workplace: Path, finished: Path) -> None:
    done = command("run", "--resume", finished.name, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((workplace / finished.name / "front.json").read_text())


def test_an_existing_run_is_not_started_over(command: Any, run_arguments: Any, finished: Path) -> None:
    done = command(*run_arguments, "--out", finished.name)
    assert done.returncode == 2
    assert f"--resume {finished.name}" in done.stderr


def test_it_trains_where_and_how_it_is_told(command: Any, run_arguments: Any, workplace: Path) -> None:
    words = (*run_arguments, "--trials", "1", "--out", "halved")
    wrong = command(*words, "--device", "cuda:99")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--device cuda:99: GPU 99 is asked for and this machine has" in wrong.stderr
    assert not (workplace / "halved").exists()
    done = command(*words, "--device", "cpu", "--amp")
    assert done.returncode == 0, done.stderr
    assert "candidates train on cpu in bfloat16" in done.stderr
    again = command("run", "--resume", "halved", "--no-amp")
    assert again.returncode == 2
    assert "--amp False differs from the run's True" in again.stderr
