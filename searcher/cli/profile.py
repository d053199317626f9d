"""`profile` and `presets`: what one candidate costs, and which published configurations ship."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import AcceptDoubtful, Backbone, Device, Json, Network, Server
from splitsearch.searcher.cli.streams import results_only

__all__ = ["COMMANDS"]


def profile(
    backbone: Backbone = None,
    preset: Annotated[
        str | None, typer.Option(help="A published configuration; other flags override it. `splitsearch presets`.")
    ] = None,
    cut: Annotated[str | None, typer.Option(help="Name of a cut; none costs the network as a whole.")] = None,
    head: Annotated[str | None, typer.Option(help="original or mimic. [default: original]")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Of a mimic head: compact, a published one, or a chain. [default: compact]")
    ] = None,
    encoder_width: Annotated[int | None, typer.Option(help="Its first channels, if compact. [default: 32]")] = None,
    encoder_depth: Annotated[int | None, typer.Option(help="Its convolutions without stride. [default: 1]")] = None,
    channels: Annotated[int | None, typer.Option(help="Channels of the bottleneck. [default: 12]")] = None,
    stride: Annotated[int | None, typer.Option(help="Spatial stride of the bottleneck. [default: 1]")] = None,
    activation: Annotated[str | None, typer.Option(help="Before the wire: none, relu, tanh. [default: none]")] = None,
    decoder: Annotated[
        str | None, typer.Option(help="light, linear, a published one, or a chain. [default: light]")
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Bits per element on the wire. [default: 8]")] = None,
    coding: Annotated[str | None, typer.Option(help="Lossless coding: none or zstd. [default: none]")] = None,
    division: Annotated[int | None, typer.Option(help="Narrow networks for one: 1, 2, 4, 8. [default: 1]")] = None,
    division_scope: Annotated[str | None, typer.Option(help="tail, head or whole. [default: tail]")] = None,
    head_pruning: Annotated[float | None, typer.Option(help="Share of removed channels. [default: 0]")] = None,
    tail_pruning: Annotated[float | None, typer.Option(help="Share of removed channels. [default: 0]")] = None,
    pruning_rule: Annotated[str | None, typer.Option(help="ratio or threshold. [default: ratio]")] = None,
    importance: Annotated[str | None, typer.Option(help="l1, l2, bn or taylor. [default: l1]")] = None,
    depth: Annotated[float | None, typer.Option(help="Share of the blocks that stay. [default: 1]")] = None,
    width: Annotated[float | None, typer.Option(help="Share of inner channels that stay. [default: 1]")] = None,
    resolution: Annotated[float | None, typer.Option(help="Share of the image's side. [default: 1]")] = None,
    exit_cut: Annotated[str | None, typer.Option(help="Where a classifier on the device may answer.")] = None,
    exit_confidence: Annotated[str | None, typer.Option(help="max, margin or entropy. [default: max]")] = None,
    exit_threshold: Annotated[float | None, typer.Option(help="Confidence that suffices. [default: 0.9]")] = None,
    exit_fusion: Annotated[float | None, typer.Option(help="Weight of its logits later. [default: 0]")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the input in pixels. [default: 224]")] = None,
    device_profile: Device = "jetson.json",
    server_profile: Server = "server_t4.json",
    network: Network = "lte",
    runtime: Annotated[str | None, typer.Option(help="Refuse a device profile of another runtime.")] = None,
    dtype: Annotated[str | None, typer.Option(help="Refuse a device profile of another number format.")] = None,
    accept_doubtful: AcceptDoubtful = None,
    json: Json = False,
) -> None:
    """Says what one candidate costs, without training it, beside the baselines.

    Example: splitsearch profile --backbone resnet152 --cut layer2 --head mimic --channels 12

    Example: splitsearch profile --preset hnd --backbone densenet169 --channels 3 --json
    """
    chosen = dict(locals())
    from splitsearch.profilers.devices.trust import Asked
    from splitsearch.searcher.costing import profile_document

    asked = Asked(runtime=runtime, dtype=dtype, doubtful=bool(accept_doubtful))
    with results_only():
        document = profile_document(chosen, (str(device_profile), str(server_profile), str(network)), preset, asked)
    if json:
        _print_json(document)
    else:
        _print_document(document)


def presets(json: Json = False) -> None:
    """Lists the configurations of the published systems.

    Example: splitsearch profile --preset bottlefit:resnet152_ver3 --channels 12
    """
    from splitsearch.spaces.presets import presets

    found = presets()
    if json:
        _print_json({"presets": [preset.to_json() for preset in found]})
        return
    rows = [
        [preset.name, preset.fields["backbone"], preset.fields.get("cut", "whole"), _summary(preset.fields)]
        for preset in found
    ]
    _print_table("published configurations", ("name", "backbone", "cut", "the rest"), rows)


COMMANDS: dict[str, Callable[..., None]] = {"profile": profile, "presets": presets}


def _summary(config: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in config.items() if name not in ("backbone", "cut"))


def _print_document(document: dict[str, Any]) -> None:
    config = document["config"]
    rows = [
        [name, costs["latency_ms"], *(costs["latency"][part] for part in ("head_ms", "transfer_ms", "tail_ms")),
         int(costs["payload_bytes"]), costs["device_macs"], costs["server_macs"], costs["energy_mj"]]
        for name, costs in document["profiles"].items()
    ]  # fmt: skip
    parts = ("latency ms", "head", "transfer", "tail")
    columns = ("what", *parts, "payload bytes", "device MACs", "server MACs", "energy mJ")
    title = f"{config['backbone']} at {config['image_size']} px; latency and energy are {document['source']}"
    _print_table(title, columns, rows)
    stages = [
        [stage["name"], stage["site"], "x".join(map(str, stage["output_shape"])), stage["parameters"], stage["macs"],
         stage["milliseconds"]]
        for stage in document.get("stages", ())
    ]  # fmt: skip
    if stages:
        _print_table("stages of the candidate", ("stage", "site", "output", "parameters", "MACs", "ms"), stages)


def _print_json(data: Any) -> None:
    from splitsearch.searcher.cli.tables import print_json

    print_json(data)


def _print_table(title: str, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    from splitsearch.searcher.cli.tables import print_table

    print_table(title, columns, rows)
