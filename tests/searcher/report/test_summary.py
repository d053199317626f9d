"""The words of a report."""

from collections.abc import Callable
from dataclasses import replace

from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.summary import export_command, head, provenance, reasons, search_note


def test_the_head_holds_verdict_and_four_facts(make: Callable[..., Record]) -> None:
    record = make()
    found = head(record)
    assert found["verdict"] == record.document["verdict"]
    assert found["facts"][0]["value"] == "90.0 %"
    assert "100 validation images" in found["facts"][0]["detail"]
    assert "estimated" in found["facts"][2]["detail"]
    assert found["facts"][3]["value"] == "12 candidates"


def test_nothing_that_keeps_the_accuracy_is_said(make: Callable[..., Record]) -> None:
    record = make()
    demanding = make(document=record.document | {"teacher": {"accuracy": 0.99}})
    assert [fact["value"] for fact in head(demanding)["facts"]][1:3] == ["none", "none"]


def test_provenance_tells_measured_counted_and_estimated(make: Callable[..., Record]) -> None:
    rows = {label: value for label, value, _ in provenance(make())}
    assert "the search selected on them" in rows["Measured"]
    assert "latencies" in rows["Estimated"]
    assert "Jetson" in rows["Device"]
    assert "https://" in rows["Device"]
    assert rows["Seed"] == "0"
    assert rows["Command"] == "splitsearch run --backbone net"
    lost = {label: value for label, value, _ in provenance(make(target=None))}
    assert lost["Device"] == make().document["device"]


def test_reasons_are_counted_and_the_rare_ones_folded(make: Callable[..., Record]) -> None:
    trial = replace(make().trials[0], state="pruned")
    same = [replace(trial, trial=100 + k, reason="too slow") for k in range(3)]
    others = [replace(trial, trial=200 + k, reason=f"reason {k}") for k in range(40)]
    rows = reasons(make(trials=(*same, *others)))
    assert rows[0] == {"state": "pruned", "reason": "too slow", "count": 3}
    assert rows[-1] == {"state": "", "reason": "21 other reasons", "count": 21}
    assert sum(row["count"] for row in rows) == 43


def test_the_export_command_names_run_and_trial(make: Callable[..., Record]) -> None:
    record = make()
    assert export_command(record, 7) == f"splitsearch export {record.folder} --trial 7 -o export-trial-7"
    assert "12 candidates trained" in search_note(record)
