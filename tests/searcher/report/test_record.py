"""Reading a run folder back."""

import json
import shutil
from pathlib import Path

import pytest

from splitsearch.searcher.report.record import read_front, read_record
from splitsearch.spaces.errors import UserError


def test_a_real_run_is_read_whole(finished: Path) -> None:
    record = read_record(finished)
    assert record.target is not None
    assert record.target.device.name == record.document["device"]
    assert [objective.name for objective in record.objectives] == ["accuracy", "latency_ms", "payload_bytes"]
    assert len(record.trained) == record.document["trials"]["complete"] >= 6
    assert record.front_trials <= {trial.trial for trial in record.trained}
    assert record.validation_images == record.document["teacher"]["images"]
    assert record.source == "estimated"
    assert record.settings["seed"] == 0
    assert record.command.startswith("splitsearch run")


def test_without_trials_and_settings_the_front_is_left(finished: Path, tmp_path: Path) -> None:
    shutil.copy(finished / "front.json", tmp_path)
    record = read_record(tmp_path)
    assert {trial.trial for trial in record.trained} == record.front_trials
    assert record.target is None
    assert "device_profile" in record.target_fault


def test_fields_of_a_newer_release_do_no_harm(finished: Path, tmp_path: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    document["front"][0]["confirmed"] = {"accuracy": 0.5}
    (tmp_path / "front.json").write_text(json.dumps(document | {"proxy_image_size": 16}))
    lines = [json.loads(line) | {"trained_by": 3} for line in (finished / "trials.jsonl").read_text().splitlines()]
    (tmp_path / "trials.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"cut short')
    assert len(read_record(tmp_path).trials) == len(lines)


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run folder"):
        read_front(tmp_path)
    (tmp_path / "run.yaml").write_text("settings: {}")
    with pytest.raises(UserError, match="has no front yet"):
        read_front(tmp_path)
    for text, words in (("{", "is no JSON"), ('{"schema": 9}', "has schema 9"), ("[]", "has schema")):
        (tmp_path / "front.json").write_text(text)
        with pytest.raises(UserError, match=words):
            read_front(tmp_path)


@pytest.mark.parametrize("line", ["{]", '{"trial": 1}', "7"])
def test_spoilt_trials_are_named(finished: Path, tmp_path: Path, line: str) -> None:
    shutil.copy(finished / "front.json", tmp_path)
    (tmp_path / "trials.jsonl").write_text(f"{line}\n")
    with pytest.raises(UserError, match=r"trials\.jsonl' cannot be read"):
        read_record(tmp_path)


def test_spoilt_settings_are_named(finished: Path, tmp_path: Path) -> None:
    shutil.copy(finished / "front.json", tmp_path)
    (tmp_path / "run.yaml").write_text("settings: [")
    with pytest.raises(UserError, match=r"run\.yaml' cannot be read"):
        read_record(tmp_path)
