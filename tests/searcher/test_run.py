"""The main job through the real command line: its files, and what it survives."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.engine.opening import storage_url
from splitsearch.searcher.engine.sharing.place import STUDY_NAME
from splitsearch.searcher.run import check, default_folder, read_run
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.errors import UserError


def test_a_run_leaves_what_the_contract_says(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"run.yaml", "study.db", "trials.jsonl", "front.json", "front.csv", "checkpoints", "log.txt"} <= names
    front = json.loads((finished / "front.json").read_text())
    assert front["trials"]["complete"] == 6
    assert {"local", "server_raw", "server_jpeg_q90"} <= {baseline["name"] for baseline in front["baselines"]}
    entry = front["front"][0]
    assert {"trial", "config", "values", "latency", "macs", "accuracy_interval"} <= set(entry)
    assert entry["latency"]["source"] == "estimated"
    kept = {f"trial-{entry['trial']:05d}.safetensors" for entry in front["front"]}
    assert {path.name for path in (finished / "checkpoints").iterdir()} == kept
    record = yaml.safe_load((finished / "run.yaml").read_text())
    assert record["settings"]["seed"] == 0
    assert {"torch", "optuna", "splitsearch"} <= set(record["versions"])


def test_every_line_of_trials_is_a_trial_of_the_study(finished: Path) -> None:
    study = optuna.load_study(study_name=STUDY_NAME, storage=storage_url(finished))
    lines = read_lines(finished / "trials.jsonl")
    assert [line["trial"] for line in lines] == [t.number for t in study.trials if t.state.is_finished()]
    assert {"reference_point", "baselines", "teacher"} <= set(study.user_attrs)


def test_the_same_seed_gives_the_same_front(cli: Any, workplace: Path, run_arguments: Any, finished: Path) -> None:
    done = cli(*run_arguments, "--trials", "6", "--out", "again", "--cache-dir", "other_cache")
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((workplace / name / "front.json").read_text()) for name in ("finished", "again"))
    for document in (first, second):
        document["trials"].pop("seconds")
        # Encode times are measured, and what is told of files varies with them.
        document.pop("verdict")
        for entry in document["front"]:
            entry.pop("dominated_by_baselines")
        for baseline in document["baselines"]:
            for name in ("codec", "latency") if baseline["codec"] else ():
                baseline.pop(name)
            for name in ("latency_ms", "latency_p95_ms", "energy_mj"):
                baseline["values"].pop(name)
    assert first == second


def start(arguments: list[str], workplace: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "splitsearch", *arguments]
    return subprocess.Popen(command, cwd=workplace, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for_lines(file: Path, count: int) -> list[Any]:
    for _ in range(1200):
        if file.is_file() and len(lines := read_lines(file)) >= count:
            return lines
        time.sleep(0.05)
    raise AssertionError(f"{file} has not got {count} lines")


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on_and_keeps_every_finished_trial(
    command: Any, workplace: Path, environment: dict[str, str], run_arguments: Any, blow: signal.Signals
) -> None:
    out = workplace / f"stopped-{blow.name}"
    arguments = [*run_arguments, "--trials", "9", "--epochs", "3", "--no-stopping", "--out", out.name]
    with start(arguments, workplace, environment) as running:
        wait_for_lines(out / "trials.jsonl", 2)
        running.send_signal(blow)
        _, errors = running.communicate(timeout=60)
    if blow == signal.SIGKILL:
        assert running.returncode == -signal.SIGKILL
    else:
        assert running.returncode == 130
        assert f"splitsearch run --resume {out.name}" in errors.splitlines()[-1]
        assert "Traceback" not in errors
    before = read_lines(out / "trials.jsonl")
    done = command("run", "--resume", out.name)
    assert done.returncode == 0, done.stderr
    after = read_lines(out / "trials.jsonl")
    assert after[: len(before)] == before
    assert json.loads((out / "front.json").read_text())["trials"]["complete"] == 9
    study = optuna.load_study(study_name=STUDY_NAME, storage=storage_url(out))
    assert not [trial for trial in study.trials if trial.state == optuna.trial.TrialState.RUNNING]


def test_budgets_prune_with_the_reason_and_without_training(command: Any, workplace: Path, run_arguments: Any) -> None:
    done = command(*run_arguments, "--trials", "3", "--max-payload-bytes", "100", "--out", "budget")
    assert done.returncode == 0, done.stderr
    lines = read_lines(workplace / "budget" / "trials.jsonl")
    pruned = [line for line in lines if line["state"] == "pruned"]
    assert all("payload_bytes" in line["reason"] and not line["curve"] for line in pruned)
    assert all(line["values"]["payload_bytes"] <= 100 for line in lines if line["state"] == "complete")


def test_a_resume_takes_more_trials_but_no_other_settings(command: Any, workplace: Path, finished: Path) -> None:
    wrong = command("run", "--resume", finished.name, "--dataset", "cifar10")
    assert wrong.returncode == 2
    assert "differs from the run's digits" in wrong.stderr
    known = json.loads((finished / "front.json").read_text())["baselines"]
    done = command("run", "--resume", finished.name, "--seed", "0")
    assert done.returncode == 0
    assert "baselines 0/" not in done.stderr
    # Measured times come out otherwise each time: equal ones were not measured again.
    assert json.loads((finished / "front.json").read_text())["baselines"] == known


def test_cheap_checks_need_no_torch_work(tmp_path: Path) -> None:
    good = {"backbone": "resnet18", "device_profile": "jetson.json"}
    assert check(RunSettings(**good)).target.source == "estimated"  # type: ignore[arg-type]
    for field, value in (("sampler", "tpe2"), ("trainer", "hdn"), ("objectives", "accuracy"), ("network", "lti")):
        with pytest.raises(UserError):
            check(RunSettings(**(good | {field: value})))  # type: ignore[arg-type]
    assert default_folder(RunSettings(**good)).parts[:1] == ("runs",)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no run folder"):
        read_run(tmp_path)


TRACE = "time_s,uplink_mbps,rtt_ms\n0,8,20\n1,0,30\n2,8,20\n3,8,20\n"


def test_a_recorded_link_a_busy_server_and_the_worst_twentieth(cli: Any, workplace: Path, run_arguments: Any) -> None:
    (workplace / "drive.csv").write_text(TRACE)
    done = cli(
        *run_arguments, "--trials", "2", "--out", "worst", "--network", "drive.csv", "--server-load", "0.5",
        "--objectives", "accuracy,latency_p95_ms",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "queue" in done.stdout
    front = json.loads((workplace / "worst" / "front.json").read_text())
    assert (front["network"], front["objectives"][1]["unit"]) == ("drive", "ms")
    for entry in front["front"]:
        latency = entry["latency"]
        assert {"head_ms", "transfer_ms", "tail_ms", "source"} <= set(latency)
        assert latency["queue_ms"] > 0
        assert entry["values"]["latency_p95_ms"] == latency["p95_ms"] > latency["total_ms"]
    settings = read_run(workplace / "worst")
    assert (settings.network, settings.server_load) == ("drive.csv", 0.5)


@pytest.mark.parametrize("asked", [{"objectives": "accuracy,energy_mj"}, {"budgets": {"max_energy_mj": 10.0}}])
def test_energy_needs_a_network_whose_radio_is_known(asked: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "drive.csv").write_text(TRACE)
    settings = RunSettings(
        backbone="resnet18", device_profile="jetson", network="drive.csv", directory=str(tmp_path), **asked
    )
    with pytest.raises(UserError, match="does not name what its radio draws"):
        check(settings)


def test_taylor_and_coding_work_from_end_to_end(command: Any, workplace: Path, run_arguments: Any) -> None:
    space = "cuts: stages\nheads: original\nchannels: [1, 4]\nbits: 8\ncodings: zstd\n"
    (workplace / "taylor.yaml").write_text(
        f"{space}head_prunings: 0.5\ntail_prunings: [0, 0.5]\nimportances: taylor\n", encoding="utf-8"
    )
    done = command(*run_arguments, "--space", "taylor.yaml", "--trials", "3", "--out", "taylor")
    assert done.returncode == 0, done.stderr
    front = json.loads((workplace / "taylor" / "front.json").read_text())
    assert front["trials"]["complete"] == 3
    told = {
        trial.number: trial.values
        for trial in optuna.load_study(study_name=STUDY_NAME, storage=storage_url(workplace / "taylor")).trials
    }
    for entry in front["front"]:
        terms = entry["latency"]
        assert terms["payload_source"] == "measured"
        parts = ("head_ms", "transfer_ms", "queue_ms", "tail_ms")
        assert entry["values"]["latency_ms"] == pytest.approx(sum(terms[part] for part in parts))
        assert told[entry["trial"]] == [entry["values"][o["name"]] for o in front["objectives"]]


def test_a_proxy_run_says_what_its_accuracies_are_of(
    command: Any, workplace: Path, run_arguments: Any, finished: Path
) -> None:
    done = command(
        *run_arguments, "--trials", "2", "--out", "proxy", "--image-size", "32", "--proxy-image-size", "16",
        "--views", "2", "--no-webp",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "(accuracies of 16 px images, a proxy for 32 px)" in " ".join(done.stdout.split())
    front, real = (json.loads((workplace / name / "front.json").read_text()) for name in ("proxy", "finished"))
    assert (front["proxy_image_size"], front["image_size"], real["proxy_image_size"]) == (16, 32, None)
    assert "Accuracies are of images of 16 px, a proxy; costs are of images of 32 px." in front["verdict"]
    assert front["front"][0]["config"]["image_size"] == 32
    costs = ("device_macs", "total_macs")
    for name in ("local", "server_raw"):
        first, second = (next(b for b in d["baselines"] if b["name"] == name)["values"] for d in (front, real))
        assert [first[cost] for cost in costs] == [second[cost] for cost in costs]
    wrong = command(*run_arguments, "--trials", "2", "--out", "wrong", "--proxy-image-size", "32")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "--proxy-image-size 32 must be 1 to 31" in wrong.stderr


def test_a_cache_without_room_or_with_an_altered_file_changes_nothing(
    command: Any, workplace: Path, run_arguments: Any
) -> None:
    def run(out: str, *more: str) -> tuple[Any, str]:
        done = command(
            *run_arguments, "--trials", "2", "--out", out, "--no-webp", "--cache-dir", "own_cache", *more
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        front = json.loads((workplace / out / "front.json").read_text())
        return [(entry["key"], entry["values"]["accuracy"]) for entry in front["front"]], done.stderr

    first, _ = run("cached0")
    for path in (workplace / "own_cache" / "activations").glob("*.raw"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    second, told = run("cached1")
    assert "was altered or cut short" in told
    third, _ = run("cached2", "--cache-gb", "0")
    assert first == second == third
