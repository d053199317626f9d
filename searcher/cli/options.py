"""Flags that several commands share, defined once."""

from typing import Annotated

import typer

__all__ = [
    "AcceptDoubtful",
    "Backbone",
    "DataDir",
    "DatasetName",
    "Device",
    "ImageSize",
    "Json",
    "Network",
    "RoundTrip",
    "Server",
    "ServerLoad",
    "TrainingDevice",
    "Uplink",
    "Weights",
]

Backbone = Annotated[
    str | None,
    typer.Option(
        help="A name that `splitsearch backbones` lists, timm:NAME where timm is installed, or FILE.py:FUNCTION, a "
        "function without arguments that returns a torch.nn.Module."
    ),
]
Device = Annotated[
    str | None, typer.Option(help="JSON file or shipped name, such as jetson.json. `splitsearch devices` lists them.")
]
Server = Annotated[str | None, typer.Option(help="JSON file or shipped name. [default: server_t4.json]")]
Network = Annotated[
    str | None,
    typer.Option(
        help="JSON file, CSV trace (time_s,uplink_mbps,rtt_ms) or shipped name, such as wifi. `splitsearch networks` "
        "lists them. [default: lte]"
    ),
]
Uplink = Annotated[float | None, typer.Option(help="Mbit/s in place of the network's own.")]
RoundTrip = Annotated[float | None, typer.Option(help="Milliseconds in place of the network's own.")]
ServerLoad = Annotated[
    float | None,
    typer.Option(help="Share of time that the server is busy, in 0 … 1; requests then queue. [default: 0]"),
]
Weights = Annotated[str | None, typer.Option(help="auto, default, none, or a state-dict file. [default: auto]")]
DatasetName = Annotated[
    str | None,
    typer.Option(help="digits, cifar10, cifar100, imagenet, folder:DIR, npz:FILE or csv:DIR. [default: digits]"),
]
DataDir = Annotated[str | None, typer.Option(help="Where torchvision's data sets lie.")]
ImageSize = Annotated[int | None, typer.Option(help="Side of the input in pixels. [default: the data set's own]")]
AcceptDoubtful = Annotated[
    bool | None, typer.Option("--accept-doubtful", help="Use a device profile that doubts its own figures.")
]
TrainingDevice = Annotated[
    str | None, typer.Option(help="Where to train: cpu, cuda or cuda:N. [default: a GPU if there is one]")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
