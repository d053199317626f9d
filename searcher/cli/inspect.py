"""`cuts`, `backbones`, `devices`, `networks`: what can be chosen."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import Backbone, Json
from splitsearch.searcher.cli.streams import results_only

__all__ = ["COMMANDS"]


def cuts(
    backbone: Backbone = None,
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 224,
    which: Annotated[str, typer.Option("--set", help="stages, blocks or all.")] = "blocks",
    json: Json = False,
) -> None:
    """Lists the legal cuts of a backbone: one tensor crosses, and head and tail equal the whole.

    With --set all, the places where several tensors would have to cross follow.

    Example: splitsearch cuts --backbone resnet152
    """
    from splitsearch.searcher.inspection import cuts_document

    name = _required(backbone, "--backbone")
    with results_only():
        document = cuts_document(name, image_size, which)
    if json:
        _print_json(document)
        return
    columns = ("index", "name", "shape", "bytes_float32", "bytes_8bit", "head_macs", "tail_macs", "input_ratio")
    _print_table(
        f"{len(document['cuts'])} cuts of {backbone} at {image_size} px (1 MAC = 1 multiply-add = 2 FLOPs)",
        columns,
        [[_shape(row[c]) if c == "shape" else _readable(row[c]) for c in columns] for row in document["cuts"]],
    )
    if which == "all":
        _print_crossings(document["crossings"])
    for path, place in document["opaque"].items():
        typer.echo(f"{path} is one opaque part, no cut is found inside it: {place}", err=True)


def backbones(json: Json = False) -> None:
    """Lists the torchvision classifiers, and the networks of the published results that torchvision lacks.

    Others are timm:NAME, where timm is installed, and FILE.py:FUNCTION.
    """
    from splitsearch.spaces.backbones.loading import backbone_names

    _print_names("backbones", backbone_names(), json)


def devices(json: Json = False) -> None:
    """Lists the shipped device and server profiles, with the source of their figures."""
    from splitsearch.profilers.devices.device import device_names, load_device

    _print_profiles("devices", [load_device(name) for name in device_names()], json)


def networks(json: Json = False) -> None:
    """Lists the shipped network profiles, with the source of their figures."""
    from splitsearch.profilers.networks.network import load_network, network_names

    _print_profiles("networks", [load_network(name) for name in network_names()], json)


COMMANDS: dict[str, Callable[..., None]] = {
    "cuts": cuts,
    "backbones": backbones,
    "devices": devices,
    "networks": networks,
}


def _print_crossings(rows: list[dict[str, Any]]) -> None:
    columns = ("name", "tensors", "shapes", "elements", "bytes_float32", "bytes_8bit", "input_ratio")
    _print_table(
        f"{len(rows)} places that need several tensors to cross together: no cuts, no bottleneck can stand there",
        columns,
        [[_shapes(row[c]) if c == "shapes" else _readable(row[c]) for c in columns] for row in rows],
    )


def _shape(shape: list[int]) -> str:
    return "x".join(map(str, shape))


def _shapes(shapes: list[list[int]]) -> str:
    """Equal shapes are counted instead of repeated: a dense block has dozens."""
    texts = [_shape(shape) for shape in shapes]
    return " + ".join(f"{texts.count(t)} of {t}" if texts.count(t) > 1 else t for t in dict.fromkeys(texts))


def _required(value: str | None, flag: str) -> str:
    from splitsearch.spaces.errors import UserError

    if value is None:
        raise UserError(f"{flag} is missing; `splitsearch backbones` lists what ships")
    return value


def _readable(value: Any) -> Any:
    return f"{value / 1e6:,.1f} M" if isinstance(value, int) and value >= 10**6 else value


def _print_json(data: Any) -> None:
    from splitsearch.searcher.cli.tables import print_json

    print_json(data)


def _print_table(title: str, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    from splitsearch.searcher.cli.tables import print_table

    print_table(title, columns, rows)


def _print_names(kind: str, names: list[str], json: bool) -> None:
    if json:
        _print_json({kind: names})
    else:
        typer.echo("\n".join(names))


def _print_profiles(kind: str, profiles: list[Any], json: bool) -> None:
    if json:
        _print_json({kind: [profile.model_dump(mode="json", by_alias=True) for profile in profiles]})
        return
    rows = [[profile.name, profile.source, profile.description] for profile in profiles]
    _print_table(kind, ("name", "source", "description"), rows)
