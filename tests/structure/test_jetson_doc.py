"""docs/jetson.md from its first line to its last, on one computer that plays both parts, with a small network."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

TEXT = (Path(__file__).parents[2] / "docs" / "jetson.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
SMALLER = {"resnet50": "net.py:make", "224": "32", "folder:photos": "digits"}
QUICK = {
    "device jobs": ["--quick"],
    "python3 agent.py": ["--quick", "--watts", "5"],
    "run --backbone": ["--weights", "none", "--teacher-epochs", "2", "--epochs", "1", "--subset", "200",
                       "--trials", "3", "--no-webp", "--accept-doubtful"],
}  # fmt: skip


def words_of(line: str) -> list[str]:
    """The words of a line, for a network and images that are small."""
    words = [SMALLER.get(word, word) for word in shlex.split(line)]
    return words + next((more for part, more in QUICK.items() if part in line), [])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_page_from_end_to_end(tmp_path: Path, workplace: Path, environment: dict[str, str]) -> None:
    shutil.copy(workplace / "net.py", tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    server: subprocess.Popen[str] | None = None
    try:
        for line in LINES:
            words = words_of(line)
            if "serve" in words[:2]:
                server, port = serving(words, tmp_path, environment)
                continue
            words = [f"127.0.0.1:{port}" if word == "SERVER:7070" else word for word in words]
            done = typed(words, tmp_path, environment)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            if "run_head.py" in line:
                assert json.loads(done.stdout)["label"] in "0123456789"
    finally:
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
            assert server.stderr is not None
            server.stderr.close()
    front = json.loads((tmp_path / "run" / "front.json").read_text(encoding="utf-8"))["front"]
    assert front
    for entry in front:
        assert entry["latency"]["head_measured"]["ms"] > 0


def typed(words: list[str], place: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """One line, as a shell would run it; `> FILE` is the only thing of a shell that the page uses."""
    target = None
    if ">" in words:
        words, target = words[: words.index(">")], words[-1]
    program = [sys.executable, "-m"] if words[0] == "splitsearch" else [sys.executable]
    command = [*program, *(words if words[0] == "splitsearch" else words[1:])]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if target is not None:
        (place / target).write_text(done.stdout, encoding="utf-8")
    return done


def serving(words: list[str], place: Path, environment: dict[str, str]) -> tuple["subprocess.Popen[str]", str]:
    """The server on a free port of this computer alone."""
    words = [{"0.0.0.0": "127.0.0.1", "7070": "0"}.get(word, word) for word in words]
    command: list[Any] = [sys.executable, "-m", *words]
    process = subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = process.stderr.readline()
    found = re.search(r"127\.0\.0\.1:(\d+) \(Ctrl-C ends it\)", told)
    assert found, told
    return process, found[1]


def test_every_flag_of_the_page_exists() -> None:
    import typer

    from splitsearch.searcher.cli.app import app

    group: Any = typer.main.get_command(app)
    for line in LINES:
        words = shlex.split(line)
        if words[0] != "splitsearch":
            continue
        command = group.commands[words[1]]
        command = command.commands[words[2]] if words[1] == "device" else command
        known = {flag for parameter in command.params for flag in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known, line
