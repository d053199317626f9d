"""From a run to a head and a tail, through the command line: every command of docs/deploy.md, as it stands there."""

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

TEXT = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
EXITS = (
    "cuts: stages\nheads: [original]\nchannels: [2, 4]\nbits: [4, 8]\nexit_cuts: [before]\nexit_thresholds: [0.15]\n"
)
QUICK = ["--weights", "none", "--teacher-epochs", "2", "--epochs", "1", "--subset", "200", "--trials", "4", "--no-webp"]


@pytest.fixture(scope="module")
def place(workplace: Path) -> Path:
    """The folder where the document's commands are typed."""
    (workplace / "exits.yaml").write_text(EXITS, encoding="utf-8")
    for number, side in enumerate((20, 50)):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side + 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(workplace / ("picture.png" if number == 0 else "other.png"))
    for folder in ("run", "deployed", "deployed13", "deployed_torch"):
        shutil.rmtree(workplace / folder, ignore_errors=True)
    return workplace


@contextmanager
def serving(line: list[str], place: Path, environment: dict[str, str]) -> Iterator[int]:
    """The server as a process of its own, on a free port in place of the document's."""
    command = [sys.executable, "-m", *line[:-1], "0"]
    with subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        try:
            found = re.search(r"127\.0\.0\.1:(\d+) \(Ctrl-C ends it\)", told)
            assert found, told + process.stderr.read()
            yield int(found[1])
        finally:
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
        assert process.wait(30) == 130, rest
        assert "the server has stopped" in rest


@pytest.mark.timeout(600)
def test_the_document_from_end_to_end(command: Any, place: Path, environment: dict[str, str]) -> None:
    lines = {" ".join(line.split()[:2]): shlex.split(line) for line in reversed(LINES)}  # the first of each kind
    done = command(*lines["splitsearch run"][1:], *QUICK)
    assert done.returncode == 0, done.stderr
    exports = [shlex.split(line) for line in LINES if line.startswith("splitsearch export")]
    for line in exports:
        done = command(*line[1:], *(["--json"] if line[-1] == "deployed" else []))
        assert done.returncode == 0, done.stderr
        if line[-1] == "deployed":
            manifest = json.loads(done.stdout)
            assert manifest["checked"]["accuracy_difference"] <= 0.001 + 1 / manifest["checked"]["images"]
            assert manifest["seen"]["accuracy"] == pytest.approx(manifest["seen"]["search_accuracy"])
    for line in [shlex.split(line) for line in LINES if line.startswith("splitsearch evaluate")]:
        done = command(*line[1:])
        assert done.returncode == 0, done.stderr
        if "--json" in line:
            document = json.loads(done.stdout)
            assert (document["runtime"], document["part"]) == ("onnxruntime", "validation")
            assert document["accuracy"] == pytest.approx(manifest["seen"]["accuracy"], abs=0.003)
    done = command(*lines["splitsearch train"][1:], "--epochs", "2", "--subset", "100", "--no-tensorboard")
    assert done.returncode == 0, done.stderr  # from here on, what is served may be what was trained
    served = lines["splitsearch serve"]
    with serving(served, place, environment) as port:
        answered(command, place, port)


def answered(command: Any, place: Path, port: int) -> None:
    """`infer` in both runtimes and `run_head.py` agree on pictures."""
    line = next(shlex.split(line) for line in LINES if line.startswith("splitsearch infer"))
    address = f"127.0.0.1:{port}"
    line[line.index("--server") + 1] = address
    labels = {}
    for flags in ([], ["--torch"]):
        done = command(*line[1:], "other.png", *flags, "--json")
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)["answers"]
        assert [answer["image"] for answer in answers] == ["picture.png", "other.png"]
        labels[tuple(flags)] = [(answer["label"], answer["answered"]) for answer in answers]
    assert labels[()] == labels[("--torch",)]
    for text in (line for line in LINES if line.startswith("python run_head.py")):
        words = [address if word.startswith("127.0.0.1") else word for word in shlex.split(text)]
        # The document's run_head.py lies in the export folder.
        words = [sys.executable, str(place / "deployed" / words[1]), *words[2:]]
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        if said["answered"] != "nobody yet":
            assert (said["label"], said["answered"]) == labels[()][0]


def test_wrong_input_is_one_line_and_status_2(command: Any, finished: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = {
            ("export", str(finished), "--trial", "999", "-o", "x"): "trial 999 is not on the front",
            ("export", str(finished), "--pick", "best", "-o", "x"): "unknown pick 'best'",
            ("export", str(finished), "--opset", "9", "-o", "x"): "--opset must be from 13 to 18",
            ("export", "nowhere", "-o", "x"): "'nowhere' is no run folder",
            ("evaluate", str(finished)): "is no export folder",
            ("evaluate", "x", "--target-accuracy", "90"): "--target-accuracy must lie in 0",
            ("serve", "x", "--port", port): "is no export folder",
            ("infer", "x", "--server", "here", "a.png"): "--server must be HOST:PORT",
        }
        for arguments, line in cases.items():
            done = command(*arguments)
            assert (done.returncode, done.stdout) == (2, ""), arguments
            assert line in done.stderr.splitlines()[-1]
            assert "Traceback" not in done.stderr
