"""What the commands around an export folder print: a few lines for people, one document for programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from splitsearch.searcher.cli.tables import print_json, print_table

__all__ = ["print_answers", "print_evaluation", "print_export"]

_SHOWN = 11  # points of an exit's curve


def print_export(manifest: Any, output: Path, *, json: bool) -> None:
    """What was exported, and how well the halves agree."""
    if json:
        print_json({"folder": str(output)} | manifest.model_dump(mode="json", by_alias=True))
        return
    seen, checked = manifest.seen, manifest.checked
    names = ", ".join((*sorted(manifest.files), "manifest.json"))
    typer.echo(f"Trial {manifest.trial} of {manifest.backbone} is in {output}: {names}")
    typer.echo(
        f"Validation accuracy {seen.accuracy:.4f} on {seen.images} images (search {seen.search_accuracy:.4f}, teacher "
        f"{seen.teacher_accuracy:.4f}); at most {manifest.payload.max_bytes} bytes an image"
    )
    if checked is not None:
        typer.echo(
            f"ONNX against PyTorch on {checked.images} images: accuracy differs by {checked.accuracy_difference:.4f}, "
            f"logits by {checked.logits:.1e} of the largest, {checked.payload_changed:.2%} of the payload's elements"
        )


def print_evaluation(document: dict[str, Any], *, json: bool) -> None:
    """What was measured on the images of an evaluation."""
    if json:
        print_json(document)
        return
    low, high = document["accuracy_interval"]
    typer.echo(f"Trial {document['trial']} of {document['backbone']} on {document['dataset']} ({document['runtime']})")
    typer.echo(f"{document['images']} {document['on']}")
    top5 = "" if document["top5"] is None else f", top-5 {document['top5']:.4f}"
    typer.echo(
        f"top-1 {document['accuracy']:.4f} (95 %: {low:.4f} to {high:.4f}){top5}, calibration error "
        f"{document['calibration_error']:.4f} ({document['calibration_bins']} bins)"
    )
    _print_payload(document["payload_bytes"])
    _print_exit(document)
    baselines = document["baselines"]
    print_table(
        f"Without a split, accuracy and bytes on {baselines['on']}",
        ("baseline", "accuracy", "bytes"),
        [(row["name"], row["values"]["accuracy"], round(row["values"]["payload_bytes"])) for row in baselines["rows"]],
    )


def _print_payload(payload: dict[str, Any]) -> None:
    sent = payload["sent"]
    if sent is None:
        typer.echo("payload: nothing is sent")
        return
    typer.echo(
        f"payload: {payload['mean_of_all']:.1f} bytes an image; of the {payload['sent_images']} sent: mean "
        f"{sent['mean']:.1f}, median {sent['p50']:.0f}, 95th percentile {sent['p95']:.0f}, most {sent['max']}"
    )


def _print_exit(document: dict[str, Any]) -> None:
    leaving, found = document["exit"], document.get("retuned")
    if leaving is None:
        return
    source = document["costed_on"]["source"]
    typer.echo(f"exit: {leaving['exit_rate']:.2%} leave at {leaving['confidence']} >= {leaving['threshold']:.4g}")
    if found is not None:
        written = "written into the folder" if found["written"] else "not written (--write does)"
        typer.echo(
            f"threshold {found['threshold']:.4g}, {written}: chosen on validation images, accuracy "
            f"{found['accuracy']:.4f} there, {found['latency_ms']:.1f} ms expected ({source})"
        )
    curve = leaving["curve"]
    chosen = [curve[round(k * (len(curve) - 1) / (_SHOWN - 1))] for k in range(_SHOWN)]
    rows = list(dict.fromkeys(tuple(point.values()) for point in chosen))
    print_table("Other thresholds", ("threshold", "exit rate", "accuracy", "bytes", f"latency ms ({source})"), rows)


def print_answers(answers: Sequence[dict[str, Any]], *, json: bool) -> None:
    """What was found out about pictures."""
    if json:
        print_json({"answers": list(answers)})
        return
    columns = ("image", "class", "confidence", "answered", "bytes", "ms", "head ms", "tail ms")
    names = ("image", "label", "confidence", "answered", "payload_bytes", "total_ms", "head_ms", "tail_ms")
    print_table("Answers, milliseconds measured here", columns, [[row[name] for name in names] for row in answers])
