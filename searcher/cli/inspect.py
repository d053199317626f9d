"""`cuts`, `profile`, `backbones`, `devices`, `networks`: what can be chosen, and what one choice costs."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import Backbone, Device, Json, Network, Server
from splitsearch.searcher.cli.streams import results_only

__all__ = ["COMMANDS"]


def cuts(
    backbone: Backbone = None,
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 224,
    which: Annotated[str, typer.Option("--set", help="stages, blocks or all.")] = "blocks",
    json: Json = False,
) -> None:
    """Lists the legal cuts of a backbone: one tensor crosses, and head and tail equal the whole.

    Example: splitsearch cuts --backbone resnet152
    """
    from splitsearch.searcher.inspection import cut_rows

    name = _required(backbone, "--backbone")
    with results_only():
        rows = cut_rows(name, image_size, which)
    if json:
        _print_json({"backbone": backbone, "image_size": image_size, "set": which, "cuts": rows})
        return
    columns = ("index", "name", "shape", "bytes_float32", "bytes_8bit", "head_macs", "tail_macs", "input_ratio")
    _print_table(
        f"{len(rows)} cuts of {backbone} at {image_size} px (1 MAC = 1 multiply-add = 2 FLOPs)",
        columns,
        [["x".join(map(str, row[c])) if c == "shape" else _readable(row[c]) for c in columns] for row in rows],
    )


def profile(
    backbone: Backbone = None,
    cut: Annotated[str | None, typer.Option(help="Name of a cut; none profiles the baselines alone.")] = None,
    head: Annotated[str, typer.Option(help="original or mimic.")] = "original",
    channels: Annotated[int, typer.Option(help="Channels of the bottleneck.")] = 12,
    bits: Annotated[int, typer.Option(help="Bits per element on the wire.")] = 8,
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 224,
    device_profile: Device = "jetson.json",
    server_profile: Server = "server_t4.json",
    network: Network = "lte",
    json: Json = False,
) -> None:
    """Says what one candidate costs, without training it, beside the baselines.

    Example: splitsearch profile --backbone resnet152 --cut layer2 --head mimic --channels 12
    """
    from splitsearch.searcher.inspection import profile_document

    config = {
        "backbone": _required(backbone, "--backbone"),
        "cut": cut,
        "head": head,
        "channels": channels,
        "bits": bits,
        "image_size": image_size,
    }
    with results_only():
        document = profile_document(config, (str(device_profile), str(server_profile), str(network)))
    if json:
        _print_json(document)
        return
    rows = [
        [name, costs["latency_ms"], *(costs["latency"][part] for part in ("head_ms", "transfer_ms", "tail_ms")),
         int(costs["payload_bytes"]), costs["device_macs"], costs["server_macs"], costs["energy_mj"]]
        for name, costs in document["profiles"].items()
    ]  # fmt: skip
    columns = (
        "what",
        "latency ms",
        "head",
        "transfer",
        "tail",
        "payload bytes",
        "device MACs",
        "server MACs",
        "energy mJ",
    )
    _print_table(f"{backbone} at {image_size} px; latency and energy are {document['source']}", columns, rows)


def backbones(json: Json = False) -> None:
    """Lists the torchvision classifiers."""
    from splitsearch.spaces.backbones.loading import backbone_names

    _print_names("backbones", backbone_names(), json)


def devices(json: Json = False) -> None:
    """Lists the shipped device and server profiles, with the source of their figures."""
    from splitsearch.profilers.device import device_names, load_device

    _print_profiles("devices", [load_device(name) for name in device_names()], json)


def networks(json: Json = False) -> None:
    """Lists the shipped network profiles, with the source of their figures."""
    from splitsearch.profilers.network import load_network, network_names

    _print_profiles("networks", [load_network(name) for name in network_names()], json)


COMMANDS: dict[str, Callable[..., None]] = {
    "cuts": cuts,
    "profile": profile,
    "backbones": backbones,
    "devices": devices,
    "networks": networks,
}


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
    from rich.console import Console

    from splitsearch.searcher.cli.tables import plain_table

    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(plain_table(title, columns, rows))


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
