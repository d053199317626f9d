"""`device` in a subprocess: what is measured, what is refused, and by which line."""

import ast
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from splitsearch.searcher.cli.app import main

SMALL = ("--image-size", "32", "--quick", "--watts", "5")
BACKBONE = ("--backbone", "net.py:make")


@pytest.fixture(scope="module")
def mine(cli: Any, workplace: Path) -> Path:
    """A profile of this machine, measured eager; the machine that tests may be loaded, so its doubts are set aside."""
    done = cli("device", "measure", "-o", "mine.json", *BACKBONE, *SMALL, "--runtime", "eager", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["file"] == "mine.json"
    assert [cut["cut"] for cut in document["backbones"][0]["cuts"]] == ["0.2", "1.2", "2.2", "3", "4", "5"]
    assert "round 1" in done.stderr
    assert not (workplace / "mine.json.work").exists()
    return workplace / "mine.json"


class Said(NamedTuple):
    """How a command ended."""

    returncode: int
    stderr: str


@pytest.fixture
def typed(workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs the command line inside this process, where torch is loaded already: for what ends before any work."""

    def call(*arguments: str) -> Said:
        monkeypatch.chdir(workplace)
        monkeypatch.setattr(sys, "argv", ["splitsearch", *arguments])
        handlers = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            for number, handler in handlers:
                signal.signal(number, handler)
        return Said(returncode=int(ended.value.code or 0), stderr=capsys.readouterr().err)

    return call


def changed(mine: Path, name: str, *place_and_value: Any) -> str:
    """A copy of the profile with one thing changed; calm unless that is what is changed."""
    data = json.loads(mine.read_text(encoding="utf-8"))
    data["measured"]["environment"] |= {"ok": True, "reasons": []}
    *place, last, value = place_and_value
    inner = data
    for step in place:
        inner = inner[step]
    inner[last] = value
    (mine.parent / name).write_text(json.dumps(data), encoding="utf-8")
    return name


def test_the_agent_is_printed_as_it_is(cli: Any) -> None:
    from splitsearch.profilers.measure import agent

    done = cli("device", "agent")
    assert done.stdout == Path(agent.__file__).read_text(encoding="utf-8")
    ast.parse(done.stdout, feature_version=(3, 6))


def test_a_measured_profile_costs_candidates(cli: Any, mine: Path) -> None:
    name = changed(mine, "calm.json", "name", "calm")
    done = cli("profile", *BACKBONE, "--image-size", "32", "--cut", "1.2", "--device-profile", name, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["device"] == "calm"
    assert document["profiles"]["candidate"]["latency"]["head_ms"] > 0


def test_jobs_go_out_and_come_back(cli: Any, typed: Callable[..., Said], workplace: Path) -> None:
    done = cli("device", "jobs", "-o", "jobs", *BACKBONE, "--image-size", "32", "--quick")
    assert done.returncode == 0, done.stderr
    assert "python3 agent.py jobs" in done.stdout
    assert (workplace / "jobs" / "jobs.json").is_file()
    refused = typed("device", "measure", "--jobs", "jobs", "-o", "other.json", "--runtime", "eager")
    assert refused.returncode == 2
    assert "--jobs holds ONNX files" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("measure", "-o", "x.json"), "--backbone is missing"),
        (("measure", "-o", "x.json", "--backbone", "resnet5"), "unknown backbone 'resnet5'; did you mean 'resnet50'"),
        (("measure", "-o", "no/x.json", *BACKBONE), "-o no/x.json: the file cannot be written"),
        (
            ("measure", "-o", "x.json", *BACKBONE, "--provider", "cuda"),
            "the provider CUDAExecutionProvider is not inst",
        ),
        (("measure", "-o", "x.json", *BACKBONE, "--runtime", "tflite"), "unknown runtime 'tflite'"),
        (("measure", "-o", "x.json", *BACKBONE, "--quick", "--thorough"), "--quick and --thorough exclude each other"),
        (("measure", "-o", "x.json", *BACKBONE, "--watts", "-1"), "--watts must be a positive number of watts, not -1"),
        (("measure", "-o", "x.json", "--jobs", "nowhere"), "--jobs nowhere: cannot be read"),
        (("measure", "-o", "x.json", "--jobs", "nowhere", *BACKBONE), "--jobs names its own backbones"),
        (("jobs", "-o", "old", *BACKBONE, "--opset", "11"), "--opset must be from 13 to 18, not 11"),
        (("jobs", "-o", ".", *BACKBONE), "-o . is no empty folder and holds no jobs"),
        (("check", "jetson.json"), "was not measured: `splitsearch device measure` makes one"),
        (("check", "jetson.json", "--candidates", "0", "--cuts", "0"), "leave nothing to check"),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], line: str, typed: Callable[..., Said]) -> None:
    done = typed("device", *arguments)
    assert done.returncode == 2, done.stderr
    (said,) = [text for text in done.stderr.splitlines() if text.startswith("splitsearch: ")]
    assert line in said
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "flags", "line"),
    [
        (("schema", 2), (), "the field 'schema' is 2"),
        (("compute", "gmacs_per_s", float("nan")), (), "the field 'compute.gmacs_per_s' is nan"),
        (("compute", "gmacs_per_s", 0), (), "the field 'compute.gmacs_per_s' is 0"),
        (("measured", "environment", {"disturbed": 0.9, "halves_off": 0, "halves_percent": 1, "ok": False,
                                      "reasons": ["the machine throttled"]}), (), "doubts its own figures"),
        (("name", "mine"), ("--image-size", "48"), "was measured at 32 pixels, not at 48"),
        (("name", "mine"), ("--runtime", "onnxruntime"), "was measured in eager, not in onnxruntime"),
        (("name", "mine"), ("--dtype", "float16"), "is for float32, not float16"),
    ],
)  # fmt: skip
def test_a_profile_of_something_else_is_one_line(
    change: tuple[Any, ...], flags: tuple[str, ...], line: str, typed: Callable[..., Said], mine: Path
) -> None:
    name = changed(mine, "wrong.json", *change)
    size = () if "--image-size" in flags else ("--image-size", "32")
    done = typed("profile", *BACKBONE, "--device-profile", name, *size, *flags)
    assert done.returncode == 2, done.stderr
    (said,) = done.stderr.splitlines()
    assert line in said


def test_doubts_can_be_set_aside(typed: Callable[..., Said], mine: Path) -> None:
    doubtful = {"disturbed": 0.9, "halves_off": 0, "halves_percent": 1, "ok": False, "reasons": ["it was loaded"]}
    name = changed(mine, "doubtful.json", "measured", "environment", doubtful)
    arguments = ("profile", *BACKBONE, "--image-size", "32", "--device-profile", name)
    assert typed(*arguments).returncode == 2
    assert typed(*arguments, "--accept-doubtful").returncode == 0
    run = ("run", *BACKBONE, "--device-profile", name, "--out", "never")
    done = typed(*run)
    assert done.returncode == 2
    assert "doubts its own figures: it was loaded" in done.stderr


def test_a_run_refuses_a_profile_of_another_size(
    typed: Callable[..., Said], mine: Path, run_arguments: tuple[str, ...]
) -> None:
    name = changed(mine, "calm.json", "name", "calm")
    arguments = [name if argument == "jetson.json" else argument for argument in run_arguments]
    done = typed(*arguments, "--trials", "1", "--image-size", "16", "--out", "never")
    assert done.returncode == 2, done.stderr
    assert "was measured at 32 pixels, not at 16" in done.stderr


def test_a_check_prints_predicted_against_measured(cli: Any, typed: Callable[..., Said], mine: Path) -> None:
    name = changed(mine, "checked.json", "name", "checked")
    before = json.loads((mine.parent / name).read_text(encoding="utf-8"))
    done = cli("device", "check", name, "--candidates", "2", "--cuts", "1", "--quick", "--fold", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {row["kind"] for row in document["rows"]} >= {"table", "plain"}
    assert document["summary"]["new"]["count"] == 4
    assert all(row["predicted_ms"] > 0 and row["measured_ms"] > 0 for row in document["rows"])
    slower = document["slower"]
    assert 0.2 < slower < 5
    assert f"takes {slower:.3f} times as long now as when the profile was measured" in document["notes"][0]
    ratios = [row["observed_ms"] / row["measured_ms"] for row in document["rows"]]
    assert min(ratios) / 1.5 < slower < 1.5 * max(ratios)
    after = json.loads((mine.parent / name).read_text(encoding="utf-8"))
    assert len(after["measured"]["parts"]) == len(before["measured"]["parts"]) + 4
    assert "4 parts were folded into checked.json" in document["notes"][-1]
    refused = typed("device", "check", name, "--runtime", "onnxruntime")
    assert refused.returncode == 2
    assert "was measured in eager, not in onnxruntime" in refused.stderr
