"""Optuna Dashboard on a real run, over HTTP."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna_dashboard
import pytest
from optuna.trial import Trial

from splitsearch.searcher.engine.dashboard import Adornment, adorn, serve
from splitsearch.searcher.engine.opening import open_study
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


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A run of one's own, as notes change its study."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def served(run: Path, look: Callable[[str, int], Any]) -> tuple[Any, str]:
    """What `look` saw at the address of the server and the number of its study, and what the server said."""
    port = free_port()
    command = [sys.executable, "-m", "splitsearch", "dashboard", str(run), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            (study,) = fetch(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
            seen = look(f"http://127.0.0.1:{port}", study["study_id"])
        finally:
            stop(server)
        assert server.stderr is not None
        return seen, server.stderr.read()


def test_it_serves_names_notes_files_and_figures(copied: Path) -> None:
    def look(address: str, study: int) -> Any:
        detail = fetch(f"{address}/api/studies/{study}?after=0")
        files = [(trial["trial_id"], file) for trial in detail["trials"] for file in trial["artifacts"]]
        config = next((trial, file) for trial, file in files if file["filename"] == "config.yaml")
        place = f"{address}/artifacts/{study}/{config[0]}/{config[1]['artifact_id']}"
        with urllib.request.urlopen(place, timeout=20) as answer:
            return detail, answer.read().decode()

    (detail, config), said = served(copied, look)
    assert "/dashboard/studies/" in said
    assert detail["objective_names"] == ["accuracy", "latency_ms", "payload_bytes"]
    assert sum(trial["state"] == "Complete" for trial in detail["trials"]) >= 6
    front = {entry["trial"]: entry for entry in json.loads((copied / "front.json").read_text())["front"]}
    for trial in detail["trials"]:
        names = {file["filename"] for file in trial["artifacts"]}
        if trial["number"] in front:
            assert f"--trial {trial['number']} " in trial["note"]["body"]
            assert names == {"config.yaml", "profile.json", "curve.svg"}
        else:
            assert not names
            assert trial["note"]["body"] == ""
    assert "backbone: net.py:make" in config
    graphs = {graph["id"] for graph in detail["plotly_graph_objects"]}
    assert {"splitsearch-front_latency_ms_accuracy", "splitsearch-winner_map"} <= graphs
    assert json.loads((copied / "front.json").read_text())["verdict"] in detail["note"]["body"]


def test_the_page_shows_note_and_figure(copied: Path, browser: Any) -> None:
    def look(address: str, study: int) -> tuple[str, str, bool]:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/dashboard/studies/{study}")
        page.wait_for_selector("text=Accuracy against latency")
        figures = page.evaluate("document.querySelectorAll('.main-svg').length > 0")
        page.goto(f"{address}/dashboard/studies/{study}/note")
        page.wait_for_selector("text=The whole report")
        whole = page.inner_text("body")
        page.goto(f"{address}/dashboard/studies/{study}/trials?numbers=0")
        page.wait_for_selector("text=config.yaml")
        one = page.inner_text("body")
        page.close()
        return whole, one, figures

    (whole, one, figures), _ = served(copied, look)
    assert figures
    assert "Latencies are estimated" in whole
    assert "splitsearch export" in one


def test_infeasible_trials_are_pruned_with_the_reason(
    cli: Any, workplace: Path, run_arguments: tuple[str, ...]
) -> None:
    arguments = (*run_arguments, "--trials", "4", "--max-payload-bytes", "100", "--sampler", "grid", "--out", "tight")
    assert cli(*arguments).returncode == 0
    detail, _ = served(workplace / "tight", lambda address, study: fetch(f"{address}/api/studies/{study}?after=0"))
    pruned = [trial for trial in detail["trials"] if trial["state"] == "Pruned"]
    assert pruned
    for trial in pruned:
        reason = next(pair["value"] for pair in trial["user_attrs"] if pair["key"] == "reason")
        assert "payload_bytes" in reason
    assert all(trial["state"] in ("Complete", "Pruned", "Waiting") for trial in detail["trials"])


def test_notes_of_others_stay_and_ours_are_renewed(copied: Path) -> None:
    adorn(copied, Adornment(note="ours", notes={0: "first", 1: "front"}, files={0: {"a.txt": "1"}}))
    study = open_study(copied)
    ids = {trial.number: trial._trial_id for trial in study.trials}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna_dashboard.save_note(Trial(study, ids[1]), "a person's words")
    adorn(copied, Adornment(note="renewed", notes={1: "again", 99: "nobody"}, files={0: {"a.txt": "2"}}))
    study = open_study(copied)
    assert optuna_dashboard.get_note(study) == "renewed"
    assert "earlier part of the run" in optuna_dashboard.get_note(Trial(study, ids[0]))
    assert optuna_dashboard.get_note(Trial(study, ids[1])) == "a person's words"
    assert len(list((copied / "artifacts").iterdir())) == 1


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
