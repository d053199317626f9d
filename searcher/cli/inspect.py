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

    Example: splitsearch backbones --json
    """
    from splitsearch.spaces.backbones.loading import backbone_names

    _print_names("backbones", backbone_names(), json)


def devices(json: Json = False) -> None:
    """Lists the shipped device and server profiles, with their main figures and where these come from.

    Example: splitsearch run --backbone resnet50 --device-profile raspberry_pi_4
    """
    from splitsearch.profilers.devices.device import device_names, load_device

    names = device_names()
    profiles = [load_device(name) for name in names]
    if json:
        _print_profiles_json("devices", names, profiles)
        return
    columns = ("name", "machine", "runtime", "GMAC/s", "GB/s", "active W", "idle W", "figures", "first reference")
    rows = [
        [name, p.name, f"{p.runtime.name} {p.runtime.dtype}", p.compute.gmacs_per_s, p.compute.memory_gbytes_per_s,
         p.power.active_w, p.power.idle_w, p.source, _first(p.references)]
        for name, p in zip(names, profiles, strict=True)
    ]  # fmt: skip
    _print_table("devices and servers; --json has all figures, references and methods", columns, rows)


def networks(json: Json = False) -> None:
    """Lists the shipped networks, with their main figures and where these come from.

    Example: splitsearch profile --backbone resnet50 --cut layer2 --network wifi
    """
    from splitsearch.profilers.networks.network import load_network, network_names

    names = network_names()
    profiles = [load_network(name) for name in names]
    if json:
        _print_profiles_json("networks", names, profiles)
        return
    columns = ("name", "network", "uplink Mbit/s", "RTT ms", "p95", "loss", "sending W", "figures", "first reference")
    rows = [
        [name, p.name, p.uplink_mbps, p.rtt_ms, _or_dash(p.rtt_p95_ms), p.loss,
         _or_dash(p.radio.transmit_w if p.radio else None), p.source, _first(p.references)]
        for name, p in zip(names, profiles, strict=True)
    ]  # fmt: skip
    _print_table("networks; --json has all figures, references and methods", columns, rows)


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


def _print_profiles_json(kind: str, names: tuple[str, ...], profiles: list[Any]) -> None:
    """The profiles as their files are, and beside them the names to use on the command line, in the same order."""
    _print_json({kind: [profile.to_json() for profile in profiles], "names": list(names)})


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _first(references: tuple[str, ...]) -> str:
    """What fits into a table."""
    if not references:
        return "-"
    more = f" and {len(references) - 1} more" if len(references) > 1 else ""
    first = references[0]
    return (first if len(first) <= 60 else f"{first[:57].rstrip()}...") + more
