"""`splitsearch front`."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd


def test_table_json_and_csv_tell_the_same_front(command: Any, finished: Path) -> None:
    document = json.loads(command("front", str(finished), "--json").stdout)
    frame = pd.read_csv(io.StringIO(command("front", str(finished), "--csv").stdout))
    assert frame["trial"].tolist() == [entry["trial"] for entry in document["front"]]
    table = command("front", str(finished)).stdout
    assert all(baseline["name"] in table for baseline in document["baselines"])
    assert "estimated" in table


def test_json_and_csv_exclude_each_other(command: Any, finished: Path) -> None:
    assert command("front", str(finished), "--json", "--csv").returncode == 2


def test_a_spoilt_front_is_named(command: Any, workplace: Path) -> None:
    (workplace / "spoilt").mkdir()
    (workplace / "spoilt" / "front.json").write_text("{", encoding="utf-8")
    assert "is no JSON" in command("front", "spoilt").stderr
    (workplace / "spoilt" / "front.json").write_text('{"schema": 9}', encoding="utf-8")
    assert "has schema 9; this release reads 1" in command("front", "spoilt").stderr


def test_a_report_is_written_where_asked(command: Any, finished: Path, workplace: Path) -> None:
    done = command("report", str(finished), "-o", "mine.html", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"report": "mine.html", "figures": [], "without_pictures": ""}
    text = (workplace / "mine.html").read_text(encoding="utf-8")
    assert json.loads((finished / "front.json").read_text())["verdict"].split(":")[0] in text


def test_a_report_lies_in_the_run_folder_by_default(command: Any, finished: Path) -> None:
    done = command("report", str(finished))
    assert done.stdout.startswith(f"{finished / 'report.html'} (")
    assert (finished / "report.html").is_file()


def test_wrong_runs_and_places_are_one_line(command: Any, finished: Path, workplace: Path) -> None:
    (workplace / "nothing").mkdir(exist_ok=True)
    for arguments in (("report", "nothing"), ("report", str(finished), "-o", "no/such/folder/x.html")):
        done = command(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert len([line for line in done.stderr.splitlines() if line]) == 1
