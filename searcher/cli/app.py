"""The console script: commands in one table, errors turned into one line and an exit status."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

import splitsearch
from splitsearch.searcher.cli.deploy import COMMANDS as DEPLOYMENT
from splitsearch.searcher.cli.device import device_app
from splitsearch.searcher.cli.inspect import COMMANDS as INSPECTION
from splitsearch.searcher.cli.macs import COMMANDS as COUNTING
from splitsearch.searcher.cli.profile import COMMANDS as COSTING
from splitsearch.searcher.cli.results import COMMANDS as RESULTS
from splitsearch.searcher.cli.retarget import COMMANDS as RETARGETING
from splitsearch.searcher.cli.run import COMMANDS as SEARCH
from splitsearch.searcher.cli.simulate import COMMANDS as SIMULATION
from splitsearch.searcher.cli.train import COMMANDS as TRAINING
from splitsearch.searcher.cli.worker import COMMANDS as WORK
from splitsearch.spaces.errors import Interrupted, NothingFeasibleError, StorageError, UserError

__all__ = ["app", "main"]

app = typer.Typer(
    name="splitsearch",
    help="Finds where to cut a neural network between a device and a server, and how narrow the cut may be.",
    epilog="Example: splitsearch run --backbone resnet152 --device-profile jetson.json",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: dict[str, Callable[..., None]] = (
    SEARCH | WORK | INSPECTION | COUNTING | COSTING | RESULTS | RETARGETING | SIMULATION | DEPLOYMENT | TRAINING
)
for command, function in COMMANDS.items():
    app.command(command)(function)
app.add_typer(device_app, name="device")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"splitsearch {splitsearch.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Finds where to cut a neural network between a device and a server, and how narrow the cut may be."""


def main() -> None:
    """Runs the command line; exits 0, 1, 2 (wrong input), 3 (nothing feasible) or 130 (interrupted)."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    # Our own exception: the command-line library turns KeyboardInterrupt into "Aborted!" and status 1.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app(standalone_mode=True)
    except (UserError, NothingFeasibleError) as error:
        if debug:
            raise
        _fail(str(error), 3 if isinstance(error, NothingFeasibleError) else 2)
    except StorageError as error:
        if debug:
            raise
        _fail(str(error), 1)
    except Interrupted as error:
        _fail(str(error) or "interrupted", error.status)
    except BrokenPipeError:
        os._exit(0)  # the reader of our output has left, as `head` does: nothing is wrong
    except Exception as error:
        if debug:
            raise
        _fail(f"internal fault: {type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(message: str, status: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # who is impatient must not interrupt what closes storages on the way out
    typer.echo(f"splitsearch: {' '.join(message.split())}", err=True)
    sys.exit(status)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted
