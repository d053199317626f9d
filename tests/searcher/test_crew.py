"""Workers of this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.crew import gpu_environment, worker_name
from splitsearch.searcher.engine.files import read_lines


@pytest.mark.parametrize(
    ("place", "visible", "count", "device"),
    [(0, None, 2, "0"), (3, None, 2, "1"), (1, "4,7", 2, "7"), (2, "4,7", 2, "4"), (1, "GPU-a", 1, "GPU-a")],
)
def test_gpus_go_round(place: int, visible: str | None, count: int, device: str) -> None:
    assert gpu_environment(place, visible, count) == {"CUDA_VISIBLE_DEVICES": device}
    assert gpu_environment(place, visible, 0) == {}


def test_names_are_of_folders(tmp_path: Path) -> None:
    assert worker_name(tmp_path / "a") != worker_name(tmp_path / "b")
    assert worker_name(tmp_path / "a" / ".." / "b") == worker_name(tmp_path / "b")


@pytest.mark.slow
def test_a_killed_worker_is_replaced(workplace: Path, environment: dict[str, str], run_arguments: Any) -> None:
    words = [*run_arguments, "--trials", "8", "--epochs", "3", "--workers", "2", "--storage", "journal:crew.journal"]
    command = [sys.executable, "-m", "splitsearch", *words, "--out", "crew", "--json"]
    with subprocess.Popen(
        command, cwd=workplace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        for _ in range(2400):
            found = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True, check=False)
            lines = workplace / "crew" / "trials.jsonl"
            if found.stdout and lines.is_file() and read_lines(lines):
                break
            assert run.poll() is None
            time.sleep(0.1)
        os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
        out, errors = run.communicate(timeout=280)
    assert run.returncode == 0, errors
    assert "another takes its place" in errors
    document = json.loads(out)
    assert document["trials"]["complete"] == 8
    kept = {f"trial-{entry['trial']:05d}.safetensors" for entry in document["front"]}
    assert {path.name for path in (workplace / "crew" / "checkpoints").glob("*.safetensors")} == kept
