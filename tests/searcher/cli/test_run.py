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
