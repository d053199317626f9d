"""Tables and JSON."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from splitsearch.searcher.cli.tables import baselines_table, front_table, plain_table, print_document, print_json
from splitsearch.searcher.engine.front import against_baselines


def shown(table: object) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_front_stands_above_the_baselines_that_none_other_dominates(finished: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    text = shown(front_table(document))
    assert text.index(str(document["front"][0]["config"]["cut"])) < text.rindex("local")
    assert "latency ms (estimated)" in text
    assert "server_raw" not in text  # a JPEG file of the best quality is as accurate, smaller and faster


def test_candidates_that_no_baseline_dominates_are_marked(finished: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    first, second = document["front"][:2]
    first["dominated_by_baselines"], second["dominated_by_baselines"] = [], ["local", "server_webp_q10"]
    document["front"] = [first, second]
    text = shown(front_table(document))
    assert "none" in text
    assert "local and 1 more" in text


def test_the_curves_of_the_codecs(finished: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    text = shown(baselines_table(document))
    assert "on the 359 validation images" in text
    assert all(baseline["name"] in text for baseline in document["baselines"])
    for baseline in document["baselines"]:
        baseline.pop("codec")  # a run of an older release
    assert "server_jpeg_q10" in shown(baselines_table(document))


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
    assert against_baselines(document) in out
    assert "scaled by the JPEG figure of Jetson Nano 4GB" in out
    assert document["verdict"].split()[0] in out
