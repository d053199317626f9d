"""A full training from the export folder and back into it."""

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from splitsearch.searcher.deploy.folder import open_export
from splitsearch.searcher.deploy.manifest import file_hash
from splitsearch.searcher.fulltrain.checkpoint import read_checkpoint
from splitsearch.searcher.fulltrain.job import SUMMARY
from splitsearch.spaces.errors import Interrupted, UserError

CLOCKS = ("images_per_s", "seconds")


def standing(out: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """All that a training leaves but for what clocks say."""
    tensors, facts = read_checkpoint(out / "last.safetensors")
    for row in facts["story"]["rows"]:
        for clock in CLOCKS:
            row.pop(clock)
    best = load_file(out / facts["story"]["best"]["file"]) if facts["story"]["best"] else {}
    return tensors | {f"best {name}": value for name, value in best.items()}, facts


def assert_same(one: Path, other: Path) -> None:
    (tensors, facts), (expected, known) = standing(one), standing(other)
    assert facts == known
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], expected[name]) for name in tensors)


def test_the_best_weights_go_back_into_the_folder(export: Any, go: Any, watching: Any) -> None:
    folder = export()
    before = open_export(folder)
    watch = watching()
    found = go(folder, epochs=3, reporter=watch)
    after = open_export(folder)
    assert found["refreshed"]
    assert (found["training_images"], found["processes"], found["settings"]["trainer"]) == (160, 1, "hnd")
    assert after.manifest.model != before.manifest.model
    assert after.manifest.trained is not None
    assert before.manifest.trained is None
    trained = after.manifest.trained
    assert (trained.accuracy, trained.best_epoch) == (found["best"]["accuracy"], found["best"]["epoch"])
    assert trained.exported_accuracy == found["exported"]["accuracy"] < trained.accuracy
    assert after.manifest.seen.search_accuracy == 0.1
    assert after.config == before.config
    out = folder / "training"
    story = read_checkpoint(out / "last.safetensors")[1]["story"]
    assert max(row["accuracy"] for row in story["rows"]) == trained.accuracy
    encoder = {n: v for n, v in load_file(folder / "head.safetensors").items() if n.startswith("encoder.")}
    best = load_file(out / story["best"]["file"])
    assert all(torch.equal(value, best[name]) for name, value in encoder.items())
    with (out / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [float(row["accuracy"]) for row in rows] == [row["accuracy"] for row in story["rows"]]
    assert yaml.safe_load((out / "training.yaml").read_text(encoding="utf-8"))["settings"] == found["settings"]
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        *("training.yaml", "metrics.csv", "last.safetensors", story["best"]["file"], SUMMARY),
    }


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({"division": 2}, {"trainer": "cotrain", "ema": 0.9}),
        ({"exit_cut": "0.2", "exit_threshold": 0.3, "exit_fusion": 0.5}, {"trainer": "bottlefit", "accumulate": 2}),
        ({"tail_pruning": 0.5, "head_pruning": 0.5}, {"trainer": "ghnd", "amp": True}),
        ({"head": "mimic", "bits": 4, "coding": "zstd"}, {"trainer": "naive", "views": 1}),
        ({"bits": 32, "width": 0.75}, {"trainer": "kd", "seed": 4}),
    ],
)
def test_every_kind_of_candidate_goes_on_bit_by_bit(
    fields: dict[str, Any], given: dict[str, Any], export: Any, go: Any, killing: Any, tmp_path: Path
) -> None:
    """Killed inside an epoch, after the first one, against never killed: 8 steps in 2 epochs."""
    folder = export(**fields)
    with pytest.raises(BaseException, match=r"^$"):
        go(folder, out=tmp_path / "killed", reporter=killing(6), **given)
    assert standing(tmp_path / "killed")[1]["step"] == 4
    go(folder, out=tmp_path / "killed", resume=True)
    go(export(**fields), out=tmp_path / "whole", **given)
    assert_same(tmp_path / "killed", tmp_path / "whole")
    manifest = open_export(folder).manifest
    assert manifest.trained is None or manifest.trained.trainer == given["trainer"]


@pytest.mark.parametrize(("step", "kept"), [(1, 0), (5, 4)])
def test_a_kill_in_any_epoch_loses_that_epoch_alone(
    step: int, kept: int, export: Any, go: Any, killing: Any, tmp_path: Path
) -> None:
    with pytest.raises(BaseException, match=r"^$"):
        go(export(), out=tmp_path / "o", reporter=killing(step))
    assert read_checkpoint(tmp_path / "o" / "last.safetensors")[1]["step"] == kept


def test_sigterm_ends_after_the_step_and_the_line_says_how_to_go_on(
    export: Any, go: Any, watching: Any, tmp_path: Path
) -> None:
    folder = export()
    watch = watching(3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted, match="interrupted after step 3 of 8; go on with: splitsearch train") as error:
        go(folder, out=tmp_path / "halted", reporter=watch, trainer="bottlefit", ema=0.9)
    assert error.value.status == 143
    assert standing(tmp_path / "halted")[1]["step"] == 3
    go(folder, out=tmp_path / "halted", resume=True)
    go(export(), out=tmp_path / "whole", trainer="bottlefit", ema=0.9)
    assert_same(tmp_path / "halted", tmp_path / "whole")


def test_a_training_that_has_ended_says_so_and_trains_no_more(export: Any, go: Any, watching: Any) -> None:
    folder = export()
    found = go(folder)
    hashes = {path.name: file_hash(path) for path in folder.iterdir() if path.is_file()}
    watch = watching()
    assert (
        go(folder, resume=True, reporter=watch)
        == found
        == json.loads((folder / "training" / SUMMARY).read_text(encoding="utf-8"))
    )
    assert any("has ended already" in line for line in watch.said)
    assert hashes == {path.name: file_hash(path) for path in folder.iterdir() if path.is_file()}


def test_what_is_wrong_is_one_line(export: Any, go: Any, tmp_path: Path) -> None:
    folder = export()
    cases: list[tuple[str, dict[str, Any]]] = [
        (r"training' holds no training to resume; leave --resume out", {"resume": True}),
        (r"unknown trainer 'hdn'; did you mean 'hnd'", {"trainer": "hdn"}),
        (r"--sync-bn needs GPUs", {"sync_bn": True}),
        (r"batches of 40 images leave each of 1 processes fewer than 2 images in 30 parts", {"accumulate": 30}),
        (r"--subset 5000 must be 1 to 240", {"subset": 5000}),
    ]
    for line, given in cases:
        with pytest.raises(UserError, match=line):
            go(folder, **given)
    with pytest.raises(UserError, match=r"no '.*config\.yaml': `splitsearch export RUN -o DIR` writes"):
        go(tmp_path / "nowhere")
    assert not (folder / "training").exists()


def test_a_training_is_not_begun_twice_nor_gone_on_with_otherwise(
    export: Any, go: Any, killing: Any, tmp_path: Path
) -> None:
    folder, other = export(), export(channels=2)
    with pytest.raises(BaseException, match=r"^$"):
        go(folder, reporter=killing(2))
    with pytest.raises(UserError, match=r"training' holds a training already: go on with it by --resume"):
        go(folder)
    with pytest.raises(UserError, match="--epochs 9 differs from the training's 2"):
        go(folder, resume=True, epochs=9)
    with pytest.raises(UserError, match="is the training of another candidate"):
        go(other, out=folder / "training", resume=True)


def test_a_changed_file_of_the_folder_is_named(export: Any, go: Any) -> None:
    folder = export()
    path = folder / "tail.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"tail\.safetensors' was changed: its SHA-256 is"):
        go(folder)


def test_another_release_s_config_is_refused(export: Any, go: Any) -> None:
    folder = export()
    path, manifest = folder / "config.yaml", folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("schema: 1", "schema: 9", 1), encoding="utf-8")
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["files"]["config.yaml"] = file_hash(path)
    manifest.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.yaml' has schema 9, this release reads 1"):
        go(folder)
