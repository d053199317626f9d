"""`splitsearch retarget`: the front of a run on other machines or another network."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from splitsearch.searcher.cli.options import (
    AcceptDoubtful,
    Device,
    Json,
    Network,
    RoundTrip,
    Server,
    ServerLoad,
    Uplink,
)

__all__ = ["COMMANDS"]

_BUDGETS = ("max_latency_ms", "max_payload_bytes", "max_energy_mj", "max_device_macs", "max_device_memory_bytes")


def retarget(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    device_profile: Device = None,
    server_profile: Server = None,
    network: Network = None,
    uplink_mbps: Uplink = None,
    rtt_ms: RoundTrip = None,
    server_load: ServerLoad = None,
    accept_doubtful: AcceptDoubtful = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Budget, in place of the run's.")] = None,
    max_payload_bytes: Annotated[float | None, typer.Option(help="Budget, in place of the run's.")] = None,
    max_energy_mj: Annotated[float | None, typer.Option(help="Budget, in place of the run's.")] = None,
    max_device_macs: Annotated[float | None, typer.Option(help="Budget, in place of the run's.")] = None,
    max_device_memory_bytes: Annotated[float | None, typer.Option(help="Budget, in place of the run's.")] = None,
    trials: Annotated[int, typer.Option(help="Go on with so many trainings, as a new run.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the new front; with --trials, of the new run.")] = None,
    storage: Annotated[
        str | None, typer.Option(envvar="SPLITSEARCH_STORAGE", help="Of the run's study, where a password is needed.")
    ] = None,
    json: Json = False,
) -> None:
    """Costs all that a run trained on another device, server or network, and prints the front there; trains nothing.

    Example: splitsearch retarget runs/night --device-profile raspberry_pi_4.json --network lora
    """
    given = {name: value for name, value in locals().items() if value is not None}

    from splitsearch.searcher.cli.progress import make_reporter
    from splitsearch.searcher.cli.streams import results_only
    from splitsearch.searcher.cli.tables import print_document
    from splitsearch.searcher.retargeting import Retargeting, retarget
    from splitsearch.spaces.errors import Interrupted

    changes: dict[str, Any] = {name: given[name] for name in _CHANGES if name in given}
    changes["budgets"] = {name: given[name] for name in _BUDGETS if name in given}
    asked = Retargeting(run=run, changes=changes, out=out, trials=trials, storage=storage)
    with results_only(), make_reporter(out if out is not None else run / "nowhere") as reporter:
        try:
            document = retarget(asked, reporter, ["splitsearch", *sys.argv[1:]])
        except Interrupted as error:
            hint = f"go on with: splitsearch run --resume {out}" if trials else "nothing was written"
            raise Interrupted(f"interrupted; {hint}") from error
    print_document(document, out if out is not None else run, json=json)


_CHANGES = ("device_profile", "server_profile", "network", "uplink_mbps", "rtt_ms", "server_load", "accept_doubtful")

COMMANDS: dict[str, Callable[..., None]] = {"retarget": retarget}
