"""`device`: measuring a machine, and checking what its profile predicts."""

from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import AcceptDoubtful, Json
from splitsearch.searcher.cli.streams import results_only

__all__ = ["device_app"]

device_app = typer.Typer(
    help="Measures machines: the profile of your own device, and how well it predicts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Backbones = Annotated[
    list[str] | None, typer.Option("--backbone", help="A backbone to measure; may be given several times.")
]
_Size = Annotated[int, typer.Option(help="Side of the input in pixels.")]
_Quick = Annotated[bool, typer.Option("--quick", help="About a minute and a half a backbone, less certain.")]
_Thorough = Annotated[bool, typer.Option("--thorough", help="A quarter of an hour a backbone and more.")]
_RuntimeName = Annotated[str, typer.Option(help="eager, compile, onnxruntime or tensorrt.")]
_Provider = Annotated[
    str | None, typer.Option(help="cpu, cuda or tensorrt, or a provider of ONNX Runtime. [default: cpu]")
]
_Threads = Annotated[int, typer.Option(help="Threads of one operator.")]
_Dtype = Annotated[str, typer.Option(help="float32, or float16 where the provider computes it.")]
_Seed = Annotated[int, typer.Option(help="Of inputs, orders and drawn candidates.")]


@device_app.command()
def agent() -> None:
    """Prints the file that measures on a device with nothing but Python 3.6, numpy, and ONNX Runtime or TensorRT.

    Example: splitsearch device agent > agent.py
    """
    from importlib.resources import files

    typer.echo((files("splitsearch.profilers.measure") / "agent.py").read_text(encoding="utf-8"), nl=False)


@device_app.command()
def jobs(
    output: Annotated[str, typer.Option("-o", "--output", help="Folder for the networks and jobs.json.")],
    backbone: _Backbones = None,
    image_size: _Size = 224,
    quick: _Quick = False,
    thorough: _Thorough = False,
    opset: Annotated[int, typer.Option(help="ONNX operator set; 13 for the runtimes of JetPack 4.")] = 18,
    seed: _Seed = 0,
) -> None:
    """Writes what another device has to measure: copy the folder and the agent there, and `samples/` back.

    Example: splitsearch device jobs --backbone resnet50 -o jobs
    """
    from splitsearch.profilers.measure.here import Request
    from splitsearch.searcher.cli.steps import steps
    from splitsearch.searcher.measuring import write_device_jobs

    effort = _effort(quick, thorough, seed, None)
    request = Request(backbones=tuple(backbone or ()), image_size=image_size, effort=effort)
    with results_only(), steps() as progress:
        text = write_device_jobs(request, opset, output, progress)
    typer.echo(text)


@device_app.command()
def measure(
    output: Annotated[str, typer.Option("-o", "--output", help="The profile to write.")],
    backbone: _Backbones = None,
    image_size: _Size = 224,
    jobs: Annotated[
        str | None, typer.Option(help="Folder or jobs.json of `device jobs`, measured there or here.")
    ] = None,
    runtime: _RuntimeName = "onnxruntime",
    provider: _Provider = None,
    threads: _Threads = 1,
    dtype: _Dtype = "float32",
    quick: _Quick = False,
    thorough: _Thorough = False,
    watts: Annotated[float | None, typer.Option(help="What the machine draws while it computes, stated.")] = None,
    seed: _Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted measurement.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep networks and raw samples beside the profile.")] = False,
    json: Json = False,
) -> None:
    """Measures this machine and writes its profile.

    Every head and tail at every cut, whole, as the runtime fuses them; kernels; packing; messages.

    Example: splitsearch device measure -o my.json --backbone resnet50 --runtime onnxruntime
    """
    from splitsearch.searcher.cli.steps import steps
    from splitsearch.searcher.measuring import Measuring, measure_device

    with results_only(), steps() as progress:
        document = measure_device(
            Measuring(
                backbones=tuple(backbone or ()),
                image_size=image_size,
                effort=_effort(quick, thorough, seed, watts),
                options=_options(runtime, provider, threads, dtype),
                jobs=jobs,
                output=output,
                resume=resume,
                keep=keep,
            ),
            progress,
        )
    for warning in document["warnings"]:
        typer.echo(f"splitsearch: {warning}", err=True)
    if json:
        _print_json(document)
    else:
        _print_measured(document)


@device_app.command()
def check(
    profile: Annotated[str, typer.Argument(help="A profile that `device measure` wrote on this machine.")],
    backbone: _Backbones = None,
    candidates: Annotated[int, typer.Option(help="How many to draw, of each backbone.")] = 8,
    cuts: Annotated[int, typer.Option(help="How many cuts of the table to measure again, of each backbone.")] = 6,
    runtime: Annotated[str | None, typer.Option(help="Refuse a profile of another runtime.")] = None,
    quick: _Quick = False,
    thorough: _Thorough = False,
    seed: _Seed = 1,
    fold: Annotated[bool, typer.Option("--fold", help="Add what was measured to the profile.")] = False,
    accept_doubtful: AcceptDoubtful = None,
    json: Json = False,
) -> None:
    """Draws candidates that the profile has not seen, measures them here, and prints predicted against measured.

    Example: splitsearch device check my.json
    """
    from splitsearch.searcher.cli.steps import steps
    from splitsearch.searcher.measuring import Checking, check_device

    with results_only(), steps() as progress:
        document = check_device(
            Checking(
                profile=profile,
                backbones=tuple(backbone or ()),
                candidates=candidates,
                cuts=cuts,
                runtime=runtime,
                effort=_effort(quick, thorough, seed, None),
                fold=fold,
                accept_doubtful=bool(accept_doubtful),
            ),
            progress,
        )
    if json:
        _print_json(document)
    else:
        _print_checked(document)


def _effort(quick: bool, thorough: bool, seed: int, watts: float | None) -> Any:
    from splitsearch.profilers.measure.here import Effort
    from splitsearch.spaces.errors import UserError

    if quick and thorough:
        raise UserError("--quick and --thorough exclude each other")
    return Effort(preset="quick" if quick else "thorough" if thorough else "standard", seed=seed, watts=watts)


def _options(runtime: str, provider: str | None, threads: int, dtype: str) -> Any:
    from splitsearch.profilers.measure.runtimes import RuntimeOptions

    return RuntimeOptions(name=runtime, provider=provider, threads=threads, dtype=dtype)


def _print_json(data: Any) -> None:
    from splitsearch.searcher.cli.tables import print_json

    print_json(data)


def _print_measured(document: dict[str, Any]) -> None:
    from splitsearch.searcher.cli.tables import print_table

    for backbone in document["backbones"]:
        rows = [
            [cut["cut"], "x".join(map(str, cut["shape"])), cut["head_ms"], cut["tail_ms"] if cut["tail_ms"] else "-"]
            for cut in backbone["cuts"]
        ]
        title = f"{backbone['backbone']} at {backbone['image_size']} px: {backbone['whole_ms']:.2f} ms, measured"
        print_table(title, ("cut", "shape", "head ms", "tail ms"), rows)
    typer.echo(document["summary"])


def _print_checked(document: dict[str, Any]) -> None:
    from splitsearch.searcher.cli.tables import print_table

    rows = [
        [row["name"], row["source"], row["predicted_ms"], row["measured_ms"], f"{100 * row['error']:+.1f} %"]
        for row in document["rows"]
    ]
    print_table("predicted against measured", ("what", "source", "predicted ms", "measured ms", "error"), rows)
    kinds = [
        [name, found["count"], found["mape"], found["within_5"], found["within_10"], found["tau"]]
        for name, found in document["summary"].items()
    ]
    columns = ("of", "count", "mean error %", "within 5 %", "within 10 %", "Kendall tau")
    print_table("how well", columns, kinds)
    for note in document["notes"]:
        typer.echo(note)
