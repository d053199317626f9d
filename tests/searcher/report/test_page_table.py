"""The table of the page."""

from collections.abc import Callable

from splitsearch.searcher.report.page_table import columns, rows
from splitsearch.searcher.report.record import Record


def test_rows_come_by_latency_and_fit_their_columns(make: Callable[..., Record]) -> None:
    record = make(objectives="accuracy,latency_ms,payload_bytes,energy_mj")
    table, heads = rows(record), columns(record)
    assert [row["trial"] for row in table] == [
        entry["trial"] for entry in sorted(record.document["front"], key=lambda e: e["values"]["latency_ms"])
    ]
    assert {len(row["cells"]) for row in table} == {len(heads)}
    place = [column["title"] for column in heads].index("latency (estimated)")
    assert heads[place]["sort"] == "ascending"
    values = [row["cells"][place]["value"] for row in table]
    assert values == sorted(values)
    assert f"--trial {table[0]['trial']} " in table[0]["command"]


def test_masters_are_named_and_counted(make: Callable[..., Record]) -> None:
    record = make()
    entry = record.document["front"][0] | {"dominated_by_baselines": ["local", "server_raw"]}
    cell = rows(make(document=record.document | {"front": [entry]}))[0]["cells"][-1]
    assert (cell["text"], cell["detail"], cell["value"]) == ("all on the device", "and 1 more", 2)
