"""`export`, `evaluate`, `serve`, `infer`: from a run to a head on the device and a tail on the server."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import DataDir, Json

__all__ = ["COMMANDS"]

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="An export folder.")]
Runtime = Annotated[
    bool | None,
    typer.Option("--onnx/--torch", help="What runs it. [default: ONNX Runtime if it is installed, else PyTorch]"),
]


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
    from splitsearch.searcher.cli.deployed import print_export
    from splitsearch.searcher.cli.speaker import speaker
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.deploy.export import ExportOptions, export_trial

    options = ExportOptions(trial=trial, pick=pick, opset=opset, onnx=onnx, check_images=check_images)
    with results_only(), speaker() as reporter:
        manifest = export_trial(run, output, options, reporter)
    print_export(manifest, output, json=json)


def evaluate(
    folder: Folder,
    dataset: Annotated[
        str | None, typer.Option(help="As `splitsearch run` takes it. [default: that of the run]")
    ] = None,
    data_dir: DataDir = None,
    onnx: Annotated[bool, typer.Option("--onnx/--torch", help="What runs the model. [default: torch]")] = False,
    target_accuracy: Annotated[
        float | None, typer.Option(help="Choose the exit's threshold for at least this accuracy, such as 0.9.")
    ] = None,
    target_latency_ms: Annotated[
        float | None, typer.Option(help="Choose the exit's threshold for at most this expected latency.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the threshold into the folder.")] = False,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Measure JPEG and WebP on these images; needs the run's teacher.")
    ] = False,
    json: Json = False,
) -> None:
    """Measures an exported model: accuracy, calibration, bytes, and every threshold of its exit.

    On the test images, if the data set has some, else on the validation images. Thresholds are chosen on the latter.

    Example: splitsearch evaluate deployed --target-accuracy 0.9
    """
    from splitsearch.searcher.cli.deployed import print_evaluation
    from splitsearch.searcher.cli.speaker import speaker
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.deploy.evaluation import EvaluationOptions
    from splitsearch.searcher.deploy.evaluation import evaluate as evaluated
    from splitsearch.searcher.deploy.retune import Wish

    options = EvaluationOptions(
        dataset=dataset,
        data_dir=Path(data_dir) if data_dir else None,
        onnx=onnx,
        wish=Wish(accuracy=target_accuracy, latency_ms=target_latency_ms),
        write=write,
        baselines=baselines,
    )
    with results_only(), speaker() as reporter:
        document = evaluated(folder, options, reporter)
    print_evaluation(document, json=json)


def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 7070,
    onnx: Runtime = None,
) -> None:
    """Runs the tail of an exported model and answers devices over TCP, until Ctrl-C.

    Example: splitsearch serve deployed --host 0.0.0.0 --port 7070
    """
    from splitsearch.searcher.deploy.running import serve_tail

    serve_tail(folder, host, port, lambda text: typer.echo(text, err=True), onnx=onnx)


def infer(
    folder: Folder,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Pictures of any size.")],
    server: Annotated[str, typer.Option(help="HOST:PORT of `splitsearch serve`.")],
    onnx: Runtime = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the server.")] = 20.0,
    json: Json = False,
) -> None:
    """Runs the head of an exported model on pictures, and asks the server about what the exit leaves open.

    Example: splitsearch infer deployed --server 192.168.0.2:7070 cat.png dog.png
    """
    from splitsearch.searcher.cli.deployed import print_answers
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.deploy.running import infer_pictures

    with results_only():
        answers: list[dict[str, Any]] = list(infer_pictures(folder, server, images, onnx=onnx, timeout_s=timeout))
    print_answers(answers, json=json)


COMMANDS: dict[str, Callable[..., None]] = {"export": export, "evaluate": evaluate, "serve": serve, "infer": infer}
