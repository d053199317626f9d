"""Stdout belongs to results."""

import json
from typing import Any

import pytest

from splitsearch.searcher.cli.streams import results_only


def test_what_libraries_print_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with results_only():
        print("chatter")
    print("result")
    out, err = capsys.readouterr()
    assert (out, err) == ("result\n", "chatter\n")


def test_a_backbone_that_prints_leaves_json_whole(command: Any, workplace: Any, run_arguments: tuple[str, ...]) -> None:
    text = (workplace / "net.py").read_text(encoding="utf-8")
    (workplace / "loud.py").write_text(text + "\nprint('imported')\n", encoding="utf-8")
    loud = [argument.replace("net.py", "loud.py") for argument in run_arguments]
    for arguments in (
        (*loud, "--trials", "1", "--out", "loud"),
        ("cuts", "--backbone", "loud.py:make", "--image-size", "32"),
        ("profile", "--backbone", "loud.py:make", "--image-size", "32"),
    ):
        done = command(*arguments, "--json")
        assert json.loads(done.stdout)
        assert "imported" in done.stderr
