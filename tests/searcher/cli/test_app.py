"""Wrong input through the real command line: one line, the right status, nothing written."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from splitsearch.profilers.devices.device import load_device

NET = ("--backbone", "net.py:make", "--weights", "none", "--space", "tiny.yaml")
JETSON = ("--device-profile", "jetson.json")


def profile(folder: Path, name: str, change: Any) -> None:
    data = load_device("jetson").to_json()
    change(data)
    (folder / name).write_text(json.dumps(data), encoding="utf-8")


@pytest.fixture(scope="module")
def inputs(workplace: Path) -> Path:
    """Files that are wrong in one way each."""
    profile(workplace, "missing.json", lambda data: data["compute"].pop("gmacs_per_s"))
    profile(workplace, "negative.json", lambda data: data["compute"].update(gmacs_per_s=-1))
    profile(
        workplace, "misspelt.json", lambda data: data["compute"].update(gmac_per_s=data["compute"].pop("gmacs_per_s"))
    )
    (workplace / "empty").mkdir()
    for name, pixels in (("one", True), ("corrupt", False)):
        for label in ("a", "b")[: 1 if name == "one" else 2]:
            (workplace / name / "train" / label).mkdir(parents=True)
            for k in range(4):
                file = workplace / name / "train" / label / f"{k}.png"
                Image.new("RGB", (16, 16)).save(file) if pixels else file.write_bytes(b"no image")
    torch.save({"0.0.weight": torch.zeros(8, 3, 5, 5)}, workplace / "other.pth")
    (workplace / "plain_file").write_text("", encoding="utf-8")
    (workplace / "foreign").mkdir()
    (workplace / "foreign" / "thesis.txt").write_text("mine", encoding="utf-8")
    return workplace


WRONG = [
    (("--backbone", "resnet15", *JETSON), "unknown backbone 'resnet15'; did you mean 'resnet1"),
    ((*NET, "--device-profile", "jetsn"), "did you mean 'jetson'"),
    ((*NET, *JETSON, "--network", "lt"), "did you mean 'lte'"),
    ((*NET, *JETSON, "--dataset", "digit"), "did you mean 'digits'"),
    ((*NET, "--device-profile", "missing.json"), "'compute.gmacs_per_s' is missing"),
    ((*NET, "--device-profile", "negative.json"), "'compute.gmacs_per_s' is -1"),
    ((*NET, "--device-profile", "misspelt.json"), "'compute.gmac_per_s'"),
    ((*NET, *JETSON, "--dataset", "folder:empty"), "train"),
    ((*NET, *JETSON, "--dataset", "folder:one"), "one class"),
    ((*NET, *JETSON, "--dataset", "folder:corrupt"), "corrupt"),
    (
        ("--backbone", "net.py:make", *JETSON, "--weights", "other.pth"),
        "do not fit the backbone: 0.1.weight is missing",
    ),
    (("--backbone", "vgg11", "--weights", "none", *JETSON, "--image-size", "8"), "does not take images of 8 x 8"),
    ((*NET, *JETSON, "--objectives", "accuracy,latency"), "did you mean 'latency_ms'"),
    ((*NET, *JETSON, "--sampler", "tp"), "did you mean 'tpe'"),
    ((*NET, *JETSON, "--trials", "0"), "--trials must be at least 1"),
    ((*NET, *JETSON, "--max-latency-ms", "-3"), "--max-latency-ms must be a positive number"),
    ((*NET, *JETSON, "--server-load", "1.5"), "the load of the server must lie in 0"),
    ((*NET, *JETSON, "--uplink-mbps", "nan"), "--uplink-mbps must be a positive number, not nan"),
    (JETSON, "--backbone is missing"),
    (NET, "--device-profile is missing"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[words for _, words in WRONG])
def test_wrong_input_is_one_line(cli: Any, inputs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = cli("run", *arguments, "--out", "never")
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    complaints = [line for line in done.stderr.splitlines() if line.startswith("splitsearch:")]
    assert len(complaints) == 1
    assert done.stderr.splitlines()[-1] == complaints[0]
    assert words in complaints[0]
    assert "Traceback" not in done.stderr
    assert not (inputs / "never").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--resume", "empty"), "is no run folder"),
        (("run", *NET, *JETSON, "--out", "plain_file/run"), "cannot be written"),
        (("run", *NET, *JETSON, "--out", "foreign"), "holds other files"),
        (("front", "empty"), "is no run folder"),
        (("cuts", "--backbone", "net.py:mak"), "did you mean 'make'"),
    ],
)
def test_wrong_folders_and_functions(cli: Any, inputs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [path.name for path in (inputs / "foreign").iterdir()] == ["thesis.txt"]


def test_contradictory_budgets_end_with_three_and_name_the_nearest(cli: Any, inputs: Path) -> None:
    done = cli("run", *NET, *JETSON, "--teacher-epochs", "1", "--max-latency-ms", "1", "--out", "never")
    assert done.returncode == 3
    assert "the nearest is" in done.stderr.splitlines()[-1]
    assert "latency_ms" in done.stderr.splitlines()[-1]
    assert not (inputs / "never").exists()


def test_an_unknown_flag_and_the_version(cli: Any) -> None:
    assert cli("run", "--bakbone", "resnet18").returncode == 2
    assert cli("--version").stdout.startswith("splitsearch 0.")


def test_debug_shows_the_traceback(cli: Any) -> None:
    assert "Traceback" in cli("run", "--backbone", "resnet15", *JETSON, "--debug").stderr


def test_a_corrupt_image_is_skipped_with_a_count(cli: Any, workplace: Path) -> None:
    for label in ("a", "b"):
        folder = workplace / "mixed" / "train" / label
        folder.mkdir(parents=True)
        for k in range(12):
            Image.new("RGB", (32, 32), (k * 9, 90 * (label == "a"), 0)).save(folder / f"{k}.png")
    (workplace / "mixed" / "train" / "a" / "bad.png").write_bytes(b"no image")
    done = cli("run", *NET, *JETSON, "--dataset", "folder:mixed", "--image-size", "32", "--trials", "1",
               "--teacher-epochs", "1", "--epochs", "1", "--out", "mixed_run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 corrupt" in done.stderr
