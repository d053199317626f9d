"""`macs`: the multiply-adds of a backbone, operator by operator."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import Backbone, Json
from splitsearch.searcher.cli.streams import results_only

__all__ = ["COMMANDS"]


def macs(
    backbone: Backbone = None,
    cut: Annotated[str | None, typer.Option(help="Says which operators are the head's and which the tail's.")] = None,
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 224,
    view: Annotated[str, typer.Option(help="table, or fvcore: its own, which counts norms and pooling.")] = "table",
    json: Json = False,
) -> None:
    """Lists the multiply-adds of every operator, and the operators that are not counted.

    Example: splitsearch macs --backbone resnet50 --cut layer2
    """
    from splitsearch.searcher.cli.tables import print_json
    from splitsearch.searcher.macs import macs_document
    from splitsearch.spaces.errors import UserError

    if backbone is None:
        raise UserError("--backbone is missing; `splitsearch backbones` lists what ships")
    with results_only():
        document = macs_document(backbone, image_size, cut, view)
    if json:
        print_json(document)
    else:
        _print_document(document)


COMMANDS: dict[str, Callable[..., None]] = {"macs": macs}


def _print_document(document: dict[str, Any]) -> None:
    from splitsearch.searcher.cli.tables import print_table

    total = document["totals"]["macs"]
    title = f"{document['backbone']} at {document['image_size']} px: {total / 1e9:.3f} GMACs (1 MAC = 2 FLOPs)"
    if document["view"] == "fvcore":
        columns: tuple[str, ...] = ("name", "kind", "macs")
        title += ", norms and pooling counted as fvcore does"
    else:
        columns = ("name", "kind", "input_shapes", "output_shape", "macs", "parameters")
        columns = (*columns, "side") if document["cut"] else columns
    print_table(title, columns, [[_cell(row[column]) for column in columns] for row in document["operators"]])
    if document["cut"]:
        sides = {side: document["totals"][f"{side}_macs"] for side in ("head", "tail")}
        typer.echo(", ".join(f"{side}: {macs:,} MACs" for side, macs in sides.items()))
    _print_uncounted(document)


def _print_uncounted(document: dict[str, Any]) -> None:
    names = document["uncounted_operators"]
    listed = ", ".join(f"{name} x {times}" for name, times in names.items()) or "none"
    typer.echo(f"Not counted: {listed}")
    if document["unknown_operators"]:
        unknown = ", ".join(document["unknown_operators"])
        typer.echo(f"Among them are operators that may multiply and add, and no rule knows how much: {unknown}")


def _cell(value: Any) -> Any:
    if not isinstance(value, list):
        return f"{value:,}" if isinstance(value, int) else value
    if value and isinstance(value[0], list):
        return " + ".join("x".join(map(str, shape)) for shape in value)
    return "x".join(map(str, value))
