"""The README's commands are run as written."""

import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from splitsearch.searcher.cli.deploy import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
MAIN = next(line for line in LINES if line.startswith("pip install . && splitsearch run"))
TEST = next(line for line in LINES if line.startswith('pip install -e ".[test]"'))


def test_ci_runs_the_test_command_as_written() -> None:
    assert TEST in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_command_of_the_readme_exists() -> None:
    commands = {
        part.split()[1] for line in LINES for part in line.split("&&") if part.strip().startswith("splitsearch ")
    }
    assert "run" in commands
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "splitsearch", command, "--help"], capture_output=True, check=False
        )
        assert done.returncode == 0, command


def test_infer_asks_where_serve_answers() -> None:
    asked = next(line for line in LINES if line.startswith("splitsearch infer"))
    assert f":{inspect.signature(COMMANDS['serve']).parameters['port'].default} " in asked


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_main_job_as_written(tmp_path: Path) -> None:
    command = shlex.split(MAIN.split("&&")[1])
    environment_free = [sys.executable, "-m", *command, "--cache-dir", str(tmp_path / "cache"), "--json"]
    done = subprocess.run(environment_free, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    document = json.loads(done.stdout)
    assert document == json.loads((run / "front.json").read_text(encoding="utf-8"))
    assert document["teacher"]["accuracy"] >= 0.95
    assert document["trials"]["complete"] >= 25
    assert len(document["front"]) >= 5
    assert "beat every baseline" in document["verdict"]
