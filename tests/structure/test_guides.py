"""docs/migrating.md and docs/extending.md: commands, programs, files and the patch are run as they stand there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from torchvision.models import resnet152

from splitsearch.searcher import run as search
from splitsearch.searcher.cli.app import app
from splitsearch.searcher.training.distill import TRAINERS
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.presets import presets
from splitsearch.spaces.space.spec import parse_space

ROOT = Path(__file__).parents[2]
MIGRATING, EXTENDING = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("migrating", "extending")
)
GROUP: Any = typer.main.get_command(app)


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL)


def lines(text: str) -> list[str]:
    return [line for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", [line for line in lines(MIGRATING) if not line.startswith("splitsearch run")])
def test_the_commands_for_those_who_come_from_elsewhere(line: str, command: Any) -> None:
    done = command(*shlex.split(line)[1:])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("line", [line for line in lines(MIGRATING) if line.startswith("splitsearch run")])
def test_their_searches_are_well_formed(line: str, command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read and checked as for a real run; the training itself would take days."""
    seen: list[Any] = []

    def stop(settings: Any, *_: Any, **__: Any) -> None:
        seen.append(settings)
        raise UserError("this is where the search would begin")

    monkeypatch.setattr(search, "run", stop)
    done = command(*shlex.split(line)[1:])
    assert (done.returncode, done.stderr) == (2, "splitsearch: this is where the search would begin\n")
    assert seen[0].trainer in TRAINERS


def test_what_the_tables_name_is_there() -> None:
    rows = [line.split(" | ") for line in MIGRATING.splitlines() if line.startswith("| ")]
    ours = " ".join(row[1] for row in rows if len(row) == 2)
    flags = {flag for command in GROUP.commands.values() for parameter in command.params for flag in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", ours)) <= flags
    for names in re.findall(r"trainers? (`\w+`(?:, `\w+`)*)", ours):
        assert set(re.findall(r"`(\w+)`", names)) <= set(TRAINERS)
    systems = {preset.name for preset in presets()} | {preset.system for preset in presets()}
    assert set(re.findall(r"preset `([\w:]+)`", ours)) <= systems


def test_one_of_their_files_as_a_space() -> None:
    (text,) = blocks(MIGRATING, "yaml")
    with torch.device("meta"):
        space = parse_space(text, "migrating.md").bind("resnet152", trace(resnet152(), 224))
    assert space.size == 2 * 3 * 2 * 2  # encoders with their decoder, channels, bits, divisions


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Path:
    """A folder with the files that docs/extending.md has its readers write."""
    (text,) = blocks(EXTENDING, "json")
    (tmp_path / "my_device.json").write_text(text, encoding="utf-8")
    network = next(block for block in blocks(EXTENDING, "python") if block.startswith("# my_network.py"))
    (tmp_path / "my_network.py").write_text(network, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPLITSEARCH_CACHE", environment["SPLITSEARCH_CACHE"])
    return tmp_path


@pytest.mark.parametrize("line", lines(EXTENDING))
def test_the_commands_about_devices_and_backbones(line: str, command: Any, place: Path) -> None:
    words = [str(place / word) if word.startswith("my_") else word for word in shlex.split(line)[1:]]
    done = command(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_trainer_of_ones_own_trains(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    define, use = (block for block in blocks(EXTENDING, "python") if not block.startswith("# my_network.py"))
    monkeypatch.setattr(TRAINERS, "_table", dict(TRAINERS._table))
    names: dict[str, Any] = {"__name__": "guide"}
    exec(define, names)
    assert "trials=2" in use
    exec(use.replace("trials=2", "trials=2, subset=200, teacher_epochs=1, epochs=1, webp=False"), names)
    run = names["run"]
    assert set(run.trials["state"]) == {"complete"}
    assert run.record.settings["trainer"] == "angle"


CHECK = """
import json, sys
import splitsearch
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.space.spec import parse_space
from torchvision.models import resnet18
import torch
macs = [
    splitsearch.profile("resnet18", "layer2", exit_cut="layer1", exit_hidden=hidden, image_size=64)
    ["profiles"]["candidate"]["device_macs"] for hidden in (0, 64)
]
with torch.device("meta"):
    space = parse_space(sys.argv[1], "extending.md").bind("resnet18", trace(resnet18(), 64))
without = SplitConfig(backbone="b", cut="c", head="original", channels=1, bits=8, image_size=1, exit_hidden=64)
print(json.dumps([macs[1] - macs[0], space.size, without.exit_hidden]))
"""


def test_the_patch_makes_an_axis(tmp_path: Path) -> None:
    tool = shutil.which("patch")
    if tool is None:
        pytest.skip("there is no `patch` here")
    for folder in ("configs", "profilers", "searcher", "spaces"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (text,) = blocks(EXTENDING, "diff")
    done = subprocess.run([tool, "-p1"], input=text, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    view = tmp_path / "view" / "splitsearch"
    view.mkdir(parents=True)
    for folder in ("configs", "profilers", "searcher", "spaces"):
        (view / folder).symlink_to(tmp_path / folder)
    for file in (tmp_path / "searcher" / "_root").iterdir():
        (view / file.name).symlink_to(file)
    (space,) = blocks(EXTENDING, "yaml")
    environment = os.environ | {"PYTHONPATH": str(view.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHECK, space]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    more, size, unused = json.loads(done.stdout)
    # The exit's features are layer1's 64 channels: 64 x 64 and 64 x 1000 in place of 64 x 1000.
    assert (more, size, unused) == (64 * 64, 4, 0)
