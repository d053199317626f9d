"""`splitsearch train` as it is typed: kills, signals, several processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from splitsearch.searcher.cli.train import _command
from splitsearch.searcher.deploy.folder import open_export
from splitsearch.searcher.fulltrain.checkpoint import read_checkpoint

SHORT = ("--subset", "120", "--epochs", "3", "--batch-size", "24", "--no-tensorboard")  # 5 steps an epoch
PLAIN = '''
"""A network whose answer for an image does not depend on the images beside it."""

from torch import nn


def make():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )
'''


@pytest.fixture(scope="module")
def exported(cli: Any, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "deployed"
    done = cli("export", str(finished), "--pick", "accuracy", "--no-onnx", "-o", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def deployed(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "deployed"))


def state(out: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, facts = read_checkpoint(out / "last.safetensors")
    for row in facts["story"]["rows"]:
        del row["seconds"], row["images_per_s"]
    return tensors, facts


def assert_same(one: Path, other: Path) -> None:
    (tensors, facts), (expected, known) = state(one), state(other)
    assert facts == known
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)


def test_a_training_and_what_it_says(command: Any, deployed: Path) -> None:
    done = command("train", str(deployed / "config.yaml"), *SHORT, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["best"]["epoch"] in (1, 2, 3), document["training_images"]) == (True, 120)
    assert document["settings"]["trainer"] == "hnd"
    assert "epoch 3 (imitate): loss" in done.stderr
    assert "epoch 3 (imitate)" in (deployed / "training" / "log.txt").read_text(encoding="utf-8")
    again = command("train", str(deployed / "config.yaml"), *SHORT)
    assert (again.returncode, again.stdout) == (2, "")
    assert "holds a training already: go on with it by --resume" in again.stderr.splitlines()[-1]
    ended = command("train", str(deployed), "--resume")
    assert ended.returncode == 0
    assert "3 epochs of 120 images" in ended.stdout


def test_the_line_that_goes_on_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _command(Path("a b/config.yaml"), None, 1) == "splitsearch train 'a b/config.yaml' --resume"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    line = _command(Path("d/config.yaml"), Path("o"), 4)
    assert line == "torchrun --nproc-per-node 2 -m splitsearch train d/config.yaml --resume -o o"


def started(environment: dict[str, str], where: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=where,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"'{text}' never came")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_a_killed_training_goes_on_bit_by_bit(
    number: int, status: int, cli: Any, deployed: Path, environment: dict[str, str], workplace: Path, tmp_path: Path
) -> None:
    """Real signals at a moment that nobody chose, during the second epoch of many."""
    config, flags = str(deployed / "config.yaml"), (*SHORT, "--epochs", "30", "--trainer", "bottlefit", "--ema", "0.9")
    process = started(
        environment, workplace, "-m", "splitsearch", "train", config, *flags, "-o", str(tmp_path / "killed")
    )
    until(process, "epoch 1 (")
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    if number == signal.SIGTERM:
        assert f"go on with: splitsearch train {config} --resume -o {tmp_path / 'killed'}" in err.splitlines()[-1]
    assert state(tmp_path / "killed")[1]["step"] < 150
    done = cli("train", config, "--resume", "-o", str(tmp_path / "killed"))
    assert done.returncode == 0, done.stderr
    other = shutil.copytree(deployed, tmp_path / "other") if number == signal.SIGKILL else deployed
    whole = cli("train", str(Path(other) / "config.yaml"), *flags, "-o", str(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    tensors, facts = state(tmp_path / "killed")
    expected, known = state(tmp_path / "whole")
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    for story in (facts["story"], known["story"]):
        story.pop("exported")  # the folder that was trained on holds trained weights by now
    assert facts == known


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "tolerance"), [("plain.py:make", 2e-4), ("net.py:make", 0.15)])
def test_two_processes_train_as_one(
    backbone: str, tolerance: float, cli: Any, environment: dict[str, str], workplace: Path, tmp_path: Path
) -> None:
    """Without norm layers up to the last digits; with them each process sees statistics of its own half."""
    (workplace / "plain.py").write_text(PLAIN, encoding="utf-8")
    (tmp_path / "space.yaml").write_text(
        "cuts: stages\nheads: [original]\ndecoders: [linear]\nchannels: [4]\nbits: [8]\n"
    )
    run, folder = str(tmp_path / "run"), tmp_path / "deployed"
    for arguments in (
        (
            *(
                "run",
                "--backbone",
                backbone,
                "--device-profile",
                "jetson.json",
                "--space",
                str(tmp_path / "space.yaml"),
            ),
            *("--weights", "none", "--teacher-epochs", "3", "--epochs", "1", "--subset", "400", "--trials", "1"),
            *("--out", run),
        ),
        ("export", run, "--no-onnx", "-o", str(folder)),
        ("train", str(folder), *SHORT, "--trainer", "bottlefit", "-o", str(tmp_path / "one")),
    ):
        done = cli(*arguments)
        assert done.returncode == 0, done.stderr
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "splitsearch")
    process = started(
        environment, workplace, *torchrun, "train", str(folder), *SHORT, "--trainer", "bottlefit", "--json",
        "-o", str(tmp_path / "two"),
    )  # fmt: skip
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert json.loads(out)["processes"] == 2
    one, two = ([row["loss"] for row in state(tmp_path / name)[1]["story"]["rows"]] for name in ("one", "two"))
    assert two == pytest.approx(one, rel=tolerance)
    assert open_export(folder).manifest.trained is not None
    wrong = started(environment, workplace, *torchrun, "train", str(folder), *SHORT, "-o", str(tmp_path / "two"))
    _, err = wrong.communicate(timeout=120)
    assert sum("holds a training already" in line for line in err.splitlines()) == 1  # the first process alone
