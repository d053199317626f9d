"""Optuna Dashboard on the study of a run."""

import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import optuna_dashboard

from splitsearch.searcher.engine.study import open_study, storage_url
from splitsearch.spaces.errors import UserError

__all__ = ["serve"]


def serve(run: Path, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until interrupted.

    Args:
        run: the run folder.
        host: address to listen on.
        port: to listen on.
        ready: hears the address of the study's page.

    Raises:
        UserError: the folder holds no study, or the port is taken.
    """
    study = open_study(run)
    with socket.socket() as probe:
        # As the server will: a port that lingers from an earlier server is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from error
    ready(f"http://{host}:{port}/dashboard/studies/{study._study_id}")
    # The server swallows whatever is raised while it answers; a signal must reach the main thread, which only waits.
    server = Thread(
        target=optuna_dashboard.run_server, args=(storage_url(run),), kwargs={"host": host, "port": port}, daemon=True
    )
    server.start()
    server.join()
