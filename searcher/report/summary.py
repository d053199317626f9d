"""The words of a report: what a reader has to know before, beside and after the figures."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.networks.network import NetworkProfile
from splitsearch.searcher.report.figure import display
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import baseline_label
from splitsearch.searcher.report.winner_figure import ALLOWED_DROP

__all__ = ["export_command", "head", "provenance", "reasons", "search_note"]

_MOST_REASONS = 20


def export_command(record: Record, trial: int) -> str:
    """What makes a candidate ready to train and to deploy."""
    return f"splitsearch export {record.folder} --trial {trial} -o export-trial-{trial}"


def head(record: Record) -> dict[str, Any]:
    """Title, verdict and the four figures of the first screen."""
    document = record.document
    return {
        "title": f"{document['backbone']}, split between {document['device']} and {document['server']}",
        "eyebrow": f"{document['dataset']} · over {document['network']} · run {record.folder.name}",
        "verdict": document.get("verdict", ""),
        "facts": [_teacher(record), _best(record), _rival(record), _counts(record)],
    }


def _fact(label: str, value: str, detail: str) -> dict[str, str]:
    return {"label": label, "value": value, "detail": detail}


def _teacher(record: Record) -> dict[str, str]:
    teacher = record.document["teacher"]
    images = record.validation_images
    on = f"measured on {images:,} validation images" if images else "measured on the validation images"
    return _fact("Teacher, unsplit", display("accuracy", teacher["accuracy"]), on)


def _best(record: Record) -> dict[str, str]:
    floor = record.document["teacher"]["accuracy"] - ALLOWED_DROP - 1e-9
    good = [entry for entry in record.document["front"] if entry["values"]["accuracy"] >= floor]
    label = "Fastest split within 2 points"
    if not good:
        return _fact(label, "none", "no candidate on the front keeps the accuracy")
    best = min(good, key=lambda entry: entry["values"]["latency_ms"])
    values, source = best["values"], best["latency"].get("source", "estimated")
    detail = f"{source}; trial {best['trial']}, {display('accuracy', values['accuracy'])}, "
    return _fact(
        label, display("latency_ms", values["latency_ms"]), detail + display("payload_bytes", values["payload_bytes"])
    )


def _rival(record: Record) -> dict[str, str]:
    floor = record.document["teacher"]["accuracy"] - ALLOWED_DROP - 1e-9
    rivals = [b for b in record.document["baselines"] if b["values"]["accuracy"] >= floor]
    label = "Fastest without a split, likewise"
    if not rivals:
        return _fact(label, "none", "no baseline keeps the accuracy")
    best = min(rivals, key=lambda b: b["values"]["latency_ms"])
    detail = f"{best['latency'].get('source', 'estimated')}; {baseline_label(best['name'])}, "
    size = display("payload_bytes", best["values"]["payload_bytes"])
    return _fact(label, display("latency_ms", best["values"]["latency_ms"]), detail + size)


def _counts(record: Record) -> dict[str, str]:
    trials = record.document["trials"]
    detail = f"{len(record.document['front'])} on the front; {_duration(trials['seconds'])} of trials"
    return _fact("Searched", f"{trials['complete']:,} candidates", detail)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def search_note(record: Record) -> str:
    """How many trials ended how."""
    trials = record.document["trials"]
    parts = [
        f"{trials['complete']:,} candidates trained",
        f"{trials['pruned']:,} pruned",
        f"{trials['failed']:,} failed",
    ]
    if trials.get("repeated"):
        parts.append(f"{trials['repeated']:,} asked again and known")
    volume = record.document.get("hypervolume")
    tail = f" Hypervolume of the front: {volume:.4f}." if volume is not None else ""
    return f"{', '.join(parts)}, in {_duration(trials['seconds'])} of trials.{tail}"


def reasons(record: Record) -> list[dict[str, Any]]:
    """Why candidates were not trained to the end, the commonest first."""
    found = Counter(
        (trial.state, trial.reason or "no reason kept")
        for trial in record.trials
        if trial.state != "complete" and trial.repeat_of is None
    )
    rows: list[dict[str, Any]] = [
        {"state": state, "reason": reason, "count": count} for (state, reason), count in found.most_common()
    ]
    if len(rows) <= _MOST_REASONS:
        return rows
    rest = rows[_MOST_REASONS:]
    more = {"state": "", "reason": f"{len(rest)} other reasons", "count": sum(row["count"] for row in rest)}
    return [*rows[:_MOST_REASONS], more]


def provenance(record: Record) -> list[tuple[str, str, bool]]:
    """Rows of label, value, and whether the value is code."""
    return list(_rows(record))


def _rows(record: Record) -> Iterator[tuple[str, str, bool]]:
    document, images = record.document, record.validation_images
    on = f"{images:,} validation images" if images else "the validation images"
    yield (
        "Measured",
        f"accuracies and payload bytes, on {on}; nothing was trained on them, but the search selected on them, so the "
        "accuracy of the best candidate is on average a little too good",
        False,
    )
    yield "Counted", "multiply-adds and parameters: exact", False
    yield record.source.capitalize(), "latencies and energies, by the profiles below", False
    if record.target is not None:
        for label, profile in (("Device", record.target.device), ("Server", record.target.server)):
            yield label, _machine(profile), False
        yield "Network", _network(record.target.network), False
        yield "Server load", f"{record.target.server_load:.0%}", False
    else:
        for label in ("device", "server", "network"):
            yield label.capitalize(), str(document[label]), False
    how = document["teacher"].get("how")
    if how:
        yield "Teacher", str(how), False
    for phrase in dict.fromkeys(b["codec"]["encode_source"] for b in document["baselines"] if b.get("codec")):
        yield "Image files", f"encode times {phrase}", False
    yield from _run(record)


def _run(record: Record) -> Iterator[tuple[str, str, bool]]:
    if record.command:
        yield "Command", record.command, True
    if "seed" in record.settings:
        yield "Seed", str(record.settings["seed"]), False
    if record.settings:
        names = ("sampler", "trainer", "epochs", "batch_size", "space", "subset", "image_size", "budgets")
        kept = {name: record.settings.get(name) for name in names}
        yield "Settings", ", ".join(f"{name} {value}" for name, value in kept.items() if value not in (None, {})), False
    if record.versions:
        yield "Versions", ", ".join(f"{name} {value}" for name, value in record.versions.items()), False


def _machine(profile: DeviceProfile) -> str:
    known = [f"{profile.name} ({profile.source}): {profile.description}", *profile.references]
    return " · ".join(known)


def _network(profile: NetworkProfile) -> str:
    figures = f"{profile.uplink_mbps:g} Mbit/s up, RTT {profile.rtt_ms:g} ms"
    return " · ".join([f"{profile.name} ({profile.source}), {figures}: {profile.description}", *profile.references])
