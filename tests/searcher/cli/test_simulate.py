"""`splitsearch simulate` as users type it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from splitsearch.searcher.cli.app import app
from splitsearch.spaces.errors import UserError

TABLE = "cut,channels,ms,early,accuracy\n" + "".join(
    f"{cut},{channels},{1 + cut + channels / 10},{0.3 + channels / 40},{0.5 + channels / 20 - cut / 50}\n"
    for cut in range(4)
    for channels in (1, 2, 4, 8)
)
ROLES = ["--parameters", "cut,channels", "--known", "ms", "--unknown", "accuracy"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "t.csv"
    file.write_text(TABLE, encoding="utf-8")
    return file


def run(table: Path, *flags: str) -> str:
    done = CliRunner().invoke(app, ["simulate", str(table), *ROLES, *flags], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_json_is_the_document_of_the_contract(table: Path) -> None:
    found = json.loads(run(table, "--json", "--trials", "12", "--seeds", "2", "--log", "ms"))
    assert list(found) == [
        "rows", "sampler", "trials", "seeds", "objectives", "hypervolume_ratio", "evaluations_to",
        "seconds_per_suggestion",
    ]  # fmt: skip
    assert (found["rows"], found["sampler"], found["trials"], found["seeds"]) == (16, "known-cost", 12, 2)
    assert list(found["hypervolume_ratio"]) == ["10", "12"]
    assert found["hypervolume_ratio"]["10"].keys() == {"mean", "min", "max"}


def test_people_get_a_table(table: Path) -> None:
    text = run(table, "--trials", "10", "--seeds", "1", "--sampler", "random")
    words = " ".join(text.split())
    assert "random on t.csv: 16 rows, accuracy (unknown, max), ms (known, min)" in words
    assert "hypervolume ratio" in text
    assert "62.50%" in text


def test_curves_replay_the_stopping(table: Path) -> None:
    text = run(table, "--trials", "16", "--seeds", "1", "--curve", "early", "--depth", "cut", "--sampler", "random")
    assert "training spent" in text
    assert "stopped before their end" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--sampler", "tp"), "unknown sampler 'tp'"),
        (("--curve", "early", "--curve-shares", "x"), "--curve-shares needs numbers"),
        (("--log", "cut"), "--log cut: no objective"),
    ],
)
def test_wrong_flags_are_refused(table: Path, flags: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(table, *flags)


def test_a_table_that_is_not_whole_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("cut,channels,ms,accuracy\n1,1,1,\n2,1,1,1\n", encoding="utf-8")
    command = [sys.executable, "-m", "splitsearch", "simulate", str(file), *ROLES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "splitsearch: t.csv, line 2: no value in the column 'accuracy'\n"
