"""`splitsearch export`, `evaluate`, `serve` and `infer`: from a run to a head on the device and a tail on the server."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import Json

__all__ = ["COMMANDS"]


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write.")],
    trial: Annotated[int | None, typer.Option(help="Number of a candidate of the front.")] = None,
    pick: Annotated[
        str | None, typer.Option(help="knee, accuracy, latency, payload or energy. [default: knee]")
    ] = None,
    opset: Annotated[int, typer.Option(help="ONNX operator set; 13 for the runtimes of JetPack 4.")] = 18,
    onnx: Annotated[bool, typer.Option("--onnx/--no-onnx", help="Write ONNX files too.")] = True,
    check_images: Annotated[int, typer.Option(help="Compare ONNX with PyTorch on at most so many images.")] = 2000,
    json: Json = False,
) -> None:
    """Writes one candidate of the front as files that run: weights, ONNX, and how to feed them.

    The exported halves are compared with PyTorch before anything is called done.

    Example: splitsearch export runs/resnet152-digits-20261121-093000 --pick knee -o deployed
    """
    from splitsearch.searcher.cli.speaker import speaker
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.cli.tables import print_json
    from splitsearch.searcher.deploy.export import ExportOptions, export_trial

    options = ExportOptions(trial=trial, pick=pick, opset=opset, onnx=onnx, check_images=check_images)
    with results_only(), speaker() as reporter:
        manifest = export_trial(run, output, options, reporter)
    if json:
        print_json({"folder": str(output)} | manifest.model_dump(mode="json", by_alias=True))
        return
    for line in _exported(manifest, output):
        typer.echo(line)


COMMANDS: dict[str, Callable[..., None]] = {"export": export}


def _exported(manifest: Any, output: Path) -> list[str]:
    seen, checked = manifest.seen, manifest.checked
    lines = [
        f"Trial {manifest.trial} of {manifest.backbone} is in {output}: {', '.join(sorted(manifest.files))}, manifest.json",
        f"Validation accuracy {seen.accuracy:.4f} on {seen.images} images (search: {seen.search_accuracy:.4f}, "
        f"teacher: {seen.teacher_accuracy:.4f}); at most {manifest.payload.max_bytes} bytes an image",
    ]
    if checked is not None:
        lines.append(
            f"ONNX against PyTorch on {checked.images} images: accuracy differs by {checked.accuracy_difference:.4f}, logits "
            f"by {checked.logits:.1e} of the largest, {checked.payload_changed:.2%} of the payload's integers by a step"
        )
    return lines
