"""What the dashboard shows beside a study."""

import json
from collections.abc import Callable
from xml.etree import ElementTree

import yaml

from splitsearch.searcher.report.board import adornment_of
from splitsearch.searcher.report.record import Record


def test_every_trial_of_the_front_has_its_note_and_files(make: Callable[..., Record]) -> None:
    record = make()
    found = adornment_of(record)
    entries = {entry["trial"]: entry for entry in record.document["front"]}
    assert set(found.notes) == set(found.files) == set(entries)
    for number, entry in entries.items():
        assert f"splitsearch export {record.folder} --trial {number}" in found.notes[number]
        assert entry["config"]["cut"] in found.notes[number]
        assert "estimated" in found.notes[number]
        files = found.files[number]
        assert yaml.safe_load(files["config.yaml"]) == entry["config"]
        assert json.loads(files["profile.json"])["values"] == entry["values"]
        ElementTree.fromstring(files["curve.svg"])


def test_the_study_has_the_verdict_and_our_figures(make: Callable[..., Record]) -> None:
    record = make()
    found = adornment_of(record)
    assert record.document["verdict"] in found.note
    assert "splitsearch-winner_map" in found.figures
    assert all(figure["layout"]["title"]["text"] for figure in found.figures.values())
