"""Wrong input through the real command line: one line, the right status, nothing written."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from PIL import Image

from splitsearch.profilers.devices.device import load_device
from splitsearch.searcher.cli.app import app

NET = ("--backbone", "net.py:make", "--weights", "none", "--space", "tiny.yaml")
JETSON = ("--device-profile", "jetson.json")
# File to what is written in it where `tiny.yaml` has something else; the numbers of lines are those of the refusals.
SPACES = {
    "axis.yaml": ("bits:", "chanels: [1]\nbits:"),
    "value.yaml": ("bits: [4, 8]", "bits: [4,\n  9]"),
    "place.yaml": ("stages", "['0', layer9]"),
    "late.yaml": ("bits:", "exit_cuts: ['2.2']\nbits:"),
    "rule.yaml": ("bits:", "exclude: [{head: mimik}]\nbits:"),
}


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
    for name, (old, new) in SPACES.items():
        text = (workplace / "tiny.yaml").read_text(encoding="utf-8")
        assert old in text
        (workplace / name).write_text(text.replace(old, new), encoding="utf-8")
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
    ((*NET, *JETSON, "--space", "axis.yaml"), "axis.yaml, line 4: unknown axis 'chanels'; did you mean 'channels'?"),
    ((*NET, *JETSON, "--space", "value.yaml"), "value.yaml, line 5: bits must be one of"),
    ((*NET, *JETSON, "--space", "place.yaml"), "place.yaml, line 1: the backbone has no cut 'layer9'; known: 0.0"),
    ((*NET, *JETSON, "--space", "late.yaml"), "late.yaml, line 4: the exit 2.2 lies behind every cut"),
    ((*NET, *JETSON, "--space", "rule.yaml"), "rule.yaml, line 4: exclude: head must be"),
    ((*NET, *JETSON, "--space", "tinny.yaml"), "the space 'tinny.yaml' is neither a file nor a shipped name"),
    ((*NET, *JETSON, "--objectives", "accuracy,latency"), "did you mean 'latency_ms'"),
    ((*NET, *JETSON, "--sampler", "tp"), "did you mean 'tpe'"),
    ((*NET, *JETSON, "--trials", "0"), "--trials must be at least 1"),
    ((*NET, *JETSON, "--max-latency-ms", "-3"), "--max-latency-ms must be a positive number"),
    ((*NET, *JETSON, "--server-load", "1.5"), "the load of the server must lie in 0"),
    ((*NET, *JETSON, "--uplink-mbps", "nan"), "--uplink-mbps must be a positive number, not nan"),
    ((*NET, *JETSON, "--baseline", "mobilenet_v3_smal"), "did you mean 'mobilenet_v3_small'"),
    ((*NET, *JETSON, "--baseline", "vit_b_16"), "--baseline vit_b_16: the backbone does not take images of 32 x 32"),
    (JETSON, "--backbone is missing"),
    (NET, "--device-profile is missing"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[words for _, words in WRONG])
def test_wrong_input_is_one_line(command: Any, inputs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = command("run", *arguments, "--out", "never")
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
def test_wrong_folders_and_functions(command: Any, inputs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = command(*arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [path.name for path in (inputs / "foreign").iterdir()] == ["thesis.txt"]


def test_contradictory_budgets_end_with_three_and_name_the_nearest(command: Any, inputs: Path) -> None:
    done = command("run", *NET, *JETSON, "--teacher-epochs", "1", "--max-latency-ms", "1", "--out", "never")
    assert done.returncode == 3
    assert "the nearest is" in done.stderr.splitlines()[-1]
    assert "latency_ms" in done.stderr.splitlines()[-1]
    assert not (inputs / "never").exists()


def test_a_pillow_without_webp_ends_with_two_and_names_the_way_out(inputs: Path, environment: dict[str, str]) -> None:
    code = (
        "import sys, PIL.features as f; f.check = lambda name: name != 'webp'\n"
        "from splitsearch.searcher.cli import main\n"
        "sys.argv = ['splitsearch', *sys.argv[1:]]; main()"
    )
    arguments = ("run", *NET, *JETSON, "--teacher-epochs", "1", "--epochs", "1", "--trials", "1", "--out")
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run([*command, "never"], cwd=inputs, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "built without webp" in done.stderr.splitlines()[-1]
    assert not (inputs / "never").exists()
    done = subprocess.run(
        [*command, "jpeg_only", "--no-webp"], cwd=inputs, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "server_webp" not in (inputs / "jpeg_only" / "front.json").read_text()


def test_an_unknown_flag_and_the_version(cli: Any) -> None:
    assert cli("run", "--bakbone", "resnet18").returncode == 2
    assert cli("--version").stdout.startswith("splitsearch 0.")


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", {})
    return [leaf for name, part in inner.items() for leaf in leaves(part, (*path, name))] or [(path, command)]


COMMANDS = leaves(typer.main.get_command(app))


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=" ".join)
def test_every_command_helps_with_an_example_that_it_would_take(path: tuple[str, ...]) -> None:
    command = dict(COMMANDS)[path]
    example = re.search(r"Example: splitsearch (.*)", command.help)
    assert example, path
    typed = shlex.split(example[1].partition(" > ")[0])
    shown = next(part for name, part in COMMANDS if tuple(typed[: len(name)]) == name)  # a list shows its use
    flags = {flag for option in shown.params for flag in (*option.opts, *option.secondary_opts)}
    assert {word for word in typed if word.startswith("-")} <= flags
    for option in command.params:
        if option.param_type_name == "option":
            assert option.help, f"{path}: {option.name} says nothing"


def test_the_shell_completes_commands_and_flags(environment: dict[str, str]) -> None:
    code = "import sys; sys.argv[0] = 'splitsearch'; from splitsearch.searcher.cli import main; main()"
    for words, wanted in (("splitsearch dash", "dashboard"), ("splitsearch run --max-lat", "--max-latency-ms")):
        typed = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        asked = environment | {"_SPLITSEARCH_COMPLETE": "complete_bash"} | typed
        done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
        assert done.stdout.split() == [wanted], done.stderr


def test_debug_shows_the_traceback(cli: Any) -> None:
    plain, debug = cli("run", "--backbone", "resnet15"), cli("run", "--backbone", "resnet15", "--debug")
    assert (plain.returncode, plain.stdout) == (2, "")
    assert plain.stderr == "splitsearch: --device-profile is missing; `splitsearch devices` lists what ships\n"
    assert "Traceback" in debug.stderr


def test_a_corrupt_image_is_skipped_with_a_count(command: Any, workplace: Path) -> None:
    for label in ("a", "b"):
        folder = workplace / "mixed" / "train" / label
        folder.mkdir(parents=True)
        for k in range(12):
            Image.new("RGB", (32, 32), (k * 9, 90 * (label == "a"), 0)).save(folder / f"{k}.png")
    (workplace / "mixed" / "train" / "a" / "bad.png").write_bytes(b"no image")
    done = command("run", *NET, *JETSON, "--dataset", "folder:mixed", "--image-size", "32", "--trials", "1",
               "--teacher-epochs", "1", "--epochs", "1", "--out", "mixed_run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 corrupt" in done.stderr
