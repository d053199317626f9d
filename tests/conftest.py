"""Tiny networks, profiles and one finished run that the tests share."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from splitsearch.profilers.devices.device import DeviceProfile, load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants

BACKBONE = """
from torch import nn


def block(before, after, stride):
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())


def make():
    return nn.Sequential(
        block(3, 8, 2), block(8, 16, 2), block(16, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
    )
"""
SPACE = "cuts: stages\nheads: [original, mimic]\nchannels: [1, 4]\nbits: [4, 8]\n"


def block(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (block(3, 8, 2), block(8, 16, 2), block(16, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(16, 10)).eval()


@pytest.fixture
def variants(network: nn.Module) -> Variants:
    return Variants.trace("net", network, 32)


@pytest.fixture
def graph(variants: Variants) -> TracedGraph:
    return variants.graph


@pytest.fixture
def device() -> DeviceProfile:
    """One MAC a nanosecond, one byte a nanosecond, one millisecond an operator."""
    data = load_device("server_cpu").to_json()
    data["compute"] = {"gmacs_per_s": 1.0, "memory_gbytes_per_s": 1.0, "operator_overhead_ms": 1.0}
    return DeviceProfile.model_validate_json(json.dumps(data))


@pytest.fixture
def profiler(device: DeviceProfile) -> Profiler:
    return Profiler(Target(device=device, server=device, network=load_network("lte")))


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backbone of one's own and a small space."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "net.py").write_text(BACKBONE, encoding="utf-8")
    (folder / "tiny.yaml").write_text(SPACE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def environment(workplace: Path) -> dict[str, str]:
    own = {"SPLITSEARCH_CACHE": str(workplace / "cache"), "OMP_NUM_THREADS": "1"}
    if "PYTHONPATH" in os.environ:  # a relative one would mean another place in the folder where commands run
        paths = os.environ["PYTHONPATH"].split(os.pathsep)
        own["PYTHONPATH"] = os.pathsep.join(str(Path(path).resolve()) for path in paths)
    return os.environ | own


@pytest.fixture(scope="session")
def cli(workplace: Path, environment: dict[str, str]) -> Cli:
    """Runs the command line in a process of its own."""

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "splitsearch", *arguments]
        return subprocess.run(
            command, cwd=workplace, env=environment, capture_output=True, text=True, check=False, timeout=240
        )

    return call


@pytest.fixture
def command(
    workplace: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """Runs the command line in this process: the same, without five seconds of imports."""
    from splitsearch.searcher.cli import main

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(workplace)
        monkeypatch.setenv("SPLITSEARCH_CACHE", environment["SPLITSEARCH_CACHE"])
        monkeypatch.setattr(sys, "argv", ["splitsearch", *arguments])
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(end.value.code or 0), out, err)

    return call


RUN = (
    "run", "--backbone", "net.py:make", "--device-profile", "jetson.json", "--space", "tiny.yaml",
    "--weights", "none", "--teacher-epochs", "3", "--epochs", "1", "--subset", "400",
)  # fmt: skip


@pytest.fixture(scope="session")
def run_arguments() -> tuple[str, ...]:
    """A whole run in a few seconds; the caller adds `--out` and `--trials`."""
    return RUN


@pytest.fixture(scope="session")
def finished(cli: Cli, workplace: Path) -> Path:
    """A finished run folder with six candidates."""
    done = cli(*RUN, "--trials", "6", "--out", "finished")
    assert done.returncode == 0, done.stderr
    return workplace / "finished"
