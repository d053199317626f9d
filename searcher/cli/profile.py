"""`profile` and `presets`: what one candidate costs, and which published configurations ship."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import (
    AcceptDoubtful,
    Backbone,
    Device,
    Json,
    Network,
    RoundTrip,
    Server,
    ServerLoad,
    Uplink,
)
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
    pruning_multiple: Annotated[
        int | None, typer.Option(help="Pruned layers keep a multiple of so many channels. [default: 1]")
    ] = None,
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
    uplink_mbps: Uplink = None,
    rtt_ms: RoundTrip = None,
    server_load: ServerLoad = None,
    bandwidth_sweep: Annotated[bool, typer.Option("--bandwidth-sweep", help="Latencies at many uplink rates.")] = False,
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
    from splitsearch.searcher.costing import Wishes, profile_document

    wishes = Wishes(
        server_load=server_load or 0.0,
        uplink_mbps=uplink_mbps,
        rtt_ms=rtt_ms,
        bandwidth_sweep=bandwidth_sweep,
        asked=Asked(runtime=runtime, dtype=dtype, doubtful=bool(accept_doubtful)),
    )
    with results_only():
        document = profile_document(chosen, (str(device_profile), str(server_profile), str(network)), preset, wishes)
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
    config, profiles = document["config"], document["profiles"]
    # Waiting for the server is a term where there is any: a column of zeros says nothing.
    queued = any(costs["latency"]["queue_ms"] for costs in profiles.values())
    parts = [name for name in ("head", "transfer", "queue", "tail") if queued or name != "queue"]
    rows = [
        [name, costs["latency_ms"], *(costs["latency"][f"{part}_ms"] for part in parts), costs["latency_p95_ms"],
         int(costs["payload_bytes"]), costs["device_macs"], costs["server_macs"], costs["energy_mj"]]
        for name, costs in profiles.items()
    ]  # fmt: skip
    radio_known = all(costs["energy"]["radio_known"] for costs in profiles.values())
    energy = "energy mJ" if radio_known else "energy mJ without radio"
    columns = ("what", "latency ms", *parts, "p95", "payload bytes", "device MACs", "server MACs", energy)
    title = f"{config['backbone']} at {config['image_size']} px; latency and energy are {document['source']}"
    _print_table(title, columns, rows)
    if not all("computing" in costs["latency"]["varies"] for costs in profiles.values()):
        typer.echo("p95 holds what is known to vary of network and queue; computing counts as fixed.")
    if "bandwidth_sweep" in document:
        _print_sweep(document["bandwidth_sweep"], tuple(profiles))
    stages = [
        [stage["name"], stage["site"], "x".join(map(str, stage["output_shape"])), stage["parameters"], stage["macs"],
         stage["milliseconds"]]
        for stage in document.get("stages", ())
    ]  # fmt: skip
    if stages:
        _print_table("stages of the candidate", ("stage", "site", "output", "parameters", "MACs", "ms"), stages)


def _print_sweep(rows: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    columns = ("uplink Mbit/s", *(f"{name} ms" for name in names), "fastest")
    cells = [[row["uplink_mbps"], *(row["latency_ms"][name] for name in names), row["fastest"]] for row in rows]
    _print_table("latency by uplink", columns, cells)


def _print_json(data: Any) -> None:
    from splitsearch.searcher.cli.tables import print_json

    print_json(data)


def _print_table(title: str, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    from splitsearch.searcher.cli.tables import print_table

    print_table(title, columns, rows)
