"""The files of a run, from a study that others fill."""

import json
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.keeping import CHECKPOINT, Keeper
from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.sharing.artifacts import open_artifacts
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import checkpoint_path
from splitsearch.spaces.space.space import SearchSpace

SPACE = SearchSpace(backbone="b", image_size=8, cuts=("x", "y"), heads=("mimic",), channels=(1, 2), bits=(4, 8))
OBJECTIVES = parse_objectives("accuracy,latency_ms")
HEADER = FrontHeader(
    backbone="b", dataset="d", device="d", server="s", network="n", objectives=OBJECTIVES,
    reference_point={"accuracy": 0.0, "latency_ms": 10.0}, teacher={"accuracy": 0.9}, baselines=(),
)  # fmt: skip


def train(study: RunStudy, folder: Path, store: Any, accuracy: float) -> None:
    """What another worker does: train, upload, tell."""
    trial, point = study.ask()
    config = SPACE.at(point)
    weights = checkpoint_path(folder, trial.number)
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(f"{accuracy}".encode())
    study.note(trial, CHECKPOINT, store.put(trial, folder, [weights]))
    latency = {"head_ms": 1.0, "transfer_ms": 1.0, "tail_ms": 1.0, "source": "estimated"}
    values = {"accuracy": accuracy, "latency_ms": 5.0}
    study.tell(
        trial,
        TrialResult(
            trial=trial.number, state="complete", key=config.key, config=config.to_json(), values=values,
            latency=latency, macs={"device": 1, "server": 1}, curve=[{"loss": 1.0}],
        ),
    )  # fmt: skip


def test_what_others_trained_arrives(tmp_path: Path) -> None:
    place = Place(url=f"journal:{tmp_path}/journal")
    other = RunStudy(place, SPACE, OBJECTIVES, make_sampler("grid", 0), worker="other")
    mine = RunStudy(place, SPACE, OBJECTIVES, make_sampler("grid", 1), worker="mine")
    store = open_artifacts(str(tmp_path / "store"))
    (tmp_path / "run").mkdir()
    keeper = Keeper(tmp_path / "run", mine, HEADER, store)
    train(other, tmp_path / "other", store, 0.5)
    keeper.begin()
    train(other, tmp_path / "other", store, 0.7)
    document = keeper.update()
    assert [line["trial"] for line in read_lines(tmp_path / "run" / "trials.jsonl")] == [0, 1]
    assert [entry["trial"] for entry in document["front"]] == [1]
    assert json.loads((tmp_path / "run" / "front.json").read_text()) == document
    (kept,) = (tmp_path / "run" / "checkpoints").iterdir()
    assert (kept.name, kept.read_bytes()) == ("trial-00001.safetensors", b"0.7")
    assert keeper.update() is document
