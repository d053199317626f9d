"""What `device` answers, without the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from splitsearch.profilers.measure import agent
from splitsearch.profilers.measure.here import Effort, Request
from splitsearch.profilers.measure.runtimes import RuntimeOptions
from splitsearch.searcher import measuring
from splitsearch.searcher.measuring import Measuring, measure_device, write_device_jobs
from splitsearch.spaces.errors import UserError


def silent(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def asked(workplace: Path, tmp_path: Path) -> Measuring:
    return Measuring(
        backbones=(f"{workplace / 'net.py'}:make",),
        image_size=32,
        effort=Effort(preset="quick", watts=4.0),
        options=RuntimeOptions(name="eager"),
        jobs=None,
        output=str(tmp_path / "mine.json"),
        resume=False,
        keep=True,
    )


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "PRESETS", {name: {"seconds": 0.0, "least": 4, "most": 4} for name in agent.PRESETS})


def test_what_is_written_is_what_is_told(asked: Measuring, tmp_path: Path) -> None:
    document = measure_device(asked, silent)
    written = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    (told,), (kept,) = document["backbones"], written["measured"]["backbones"]
    assert told["whole_ms"] == kept["whole"]["p50"]
    assert [cut["head_ms"] for cut in told["cuts"]] == [cut["head"]["p50"] for cut in kept["cuts"]]
    assert told["cuts"][-1]["tail_ms"] is None
    doubts = [warning for warning in document["warnings"] if "this profile is doubtful" in warning]
    assert len(doubts) == len(written["measured"]["environment"]["reasons"])
    pace = written["measured"]["pace"]
    assert 0 < pace["p10_ms"] <= pace["p50_ms"] <= pace["p90_ms"]
    moved = f"the machine's pace lay within {pace['p90_ms'] / pace['p10_ms'] - 1:.0%}"
    assert moved in document["summary"]
    assert (tmp_path / "mine.json.work" / "samples" / "samples.jsonl").is_file(), "raw samples stay with --keep"


def test_power_that_nobody_knows_is_a_warning(asked: Measuring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "find_power", lambda root="/": (None, "RAPL is there and cannot be read"))
    monkeypatch.setattr(measuring, "find_power", agent.find_power)
    document = measure_device(replace(asked, effort=Effort(preset="quick")), silent)
    (warning,) = [warning for warning in document["warnings"] if "--watts" in warning]
    assert warning.startswith("RAPL is there and cannot be read: energies rest on an assumption of 10 W")


@pytest.mark.parametrize(("slower", "power_mode"), [(1.0, False), (1.19, False), (2.0, True), (0.5, True)])
def test_a_machine_of_another_pace_is_told(slower: float, power_mode: bool) -> None:
    said = measuring._pace(slower)
    assert said.startswith(f"this machine takes {slower:.3f} times as long now")
    assert ("power mode" in said) is power_mode


def test_a_folder_of_other_things_is_left_alone(asked: Measuring, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="is no empty folder and holds no jobs"):
        write_device_jobs(Request(backbones=asked.backbones), 18, str(tmp_path), silent)
    assert (tmp_path / "letter.txt").read_text() == "dear"
