"""Optuna Dashboard on a real run, over HTTP."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.engine.dashboard import serve
from splitsearch.spaces.errors import UserError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> Any:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


def stop(server: "subprocess.Popen[str]") -> None:
    """An interrupt that comes while Python runs a callback which may not raise is lost: a user sends it again."""
    for _ in range(5):
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)
            return
    server.kill()


def test_it_serves_the_study_with_named_objectives(finished: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "splitsearch", "dashboard", str(finished), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            (study,) = fetch(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
            detail = fetch(f"http://127.0.0.1:{port}/api/studies/{study['study_id']}?after=0")
        finally:
            stop(server)
        assert server.stderr is not None
        assert f"http://127.0.0.1:{port}/dashboard/studies/{study['study_id']}" in server.stderr.read()
    assert detail["objective_names"] == ["accuracy", "latency_ms", "payload_bytes"]
    assert sum(trial["state"] == "Complete" for trial in detail["trials"]) >= 6


def test_a_port_in_use_is_named(finished: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(finished, "127.0.0.1", port, lambda url: None)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        serve(tmp_path, "127.0.0.1", free_port(), lambda url: None)
