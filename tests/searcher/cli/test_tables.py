"""Tables and JSON."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from splitsearch.searcher.cli.tables import front_table, plain_table, print_document, print_json


def shown(table: object) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_front_stands_above_the_baselines(finished: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    text = shown(front_table(document))
    assert text.index(str(document["front"][0]["config"]["cut"])) < text.index("server_raw")
    assert "latency ms (estimated)" in text


def test_a_long_front_is_cut_with_a_word(finished: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    document["front"] *= 10
    assert "more" in shown(front_table(document, limit=2))


def test_numbers_and_documents(capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    assert "1,234" in shown(plain_table("t", ("a", "b"), [[1234.4, "x"]]))
    print_json({"a": 1})
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    document = json.loads((finished / "front.json").read_text())
    print_document(document, finished, json=False)
    out = capsys.readouterr().out
    assert "6 candidates trained" in out
    assert document["verdict"].split()[0] in out
