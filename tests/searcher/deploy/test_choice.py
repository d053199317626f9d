"""Which candidate of a front is meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.deploy.choice import PICKS, checkpoint_of, choose, knee, read_front
from splitsearch.spaces.errors import UserError


def entry(trial: int, accuracy: float, latency_ms: float, **more: float) -> dict[str, Any]:
    return {"trial": trial, "values": {"accuracy": accuracy, "latency_ms": latency_ms} | more}


def front(*entries: dict[str, Any]) -> dict[str, Any]:
    objectives = [{"name": "accuracy", "direction": "maximize"}, {"name": "latency_ms", "direction": "minimize"}]
    return {"schema": 1, "objectives": objectives, "front": list(entries)}


DOCUMENT = front(entry(1, 0.5, 10), entry(4, 0.9, 20), entry(6, 0.92, 60))


def test_the_knee_is_farthest_from_the_line_through_the_ends() -> None:
    # On the line itself every candidate has the sum 1; trial 4 lies 0.95 - 0.2 to one side of it.
    assert knee(DOCUMENT)["trial"] == 4
    assert knee(front(entry(2, 0.5, 10), entry(3, 0.5, 10)))["trial"] == 2
    assert choose(DOCUMENT, trial=None, pick=None)["trial"] == 4


def test_the_extremes() -> None:
    picked = {name: choose(DOCUMENT, trial=None, pick=name)["trial"] for name in ("accuracy", "latency")}
    assert picked == {"accuracy": 6, "latency": 1}
    same = front(entry(1, 0.5, 10, payload_bytes=5), entry(2, 0.7, 12, payload_bytes=5))
    assert choose(same, trial=None, pick="payload")["trial"] == 2
    with pytest.raises(UserError, match="the candidates of this run have no energy_mj"):
        choose(same, trial=None, pick="energy")


def test_only_the_front_keeps_weights(tmp_path: Path) -> None:
    assert choose(DOCUMENT, trial=6, pick=None)["trial"] == 6
    with pytest.raises(UserError, match=r"trial 2 is not on the front, and only .* keep their weights: 1, 4, 6"):
        choose(DOCUMENT, trial=2, pick=None)
    with pytest.raises(UserError, match="exclude each other"):
        choose(DOCUMENT, trial=2, pick="knee")
    with pytest.raises(UserError, match="unknown --pick 'kne'; did you mean 'knee'"):
        choose(DOCUMENT, trial=None, pick="kne")
    assert set(PICKS) == {"knee", "accuracy", "latency", "payload", "energy"}
    with pytest.raises(UserError, match="the weights of trial 1 are gone"):
        checkpoint_of(tmp_path, DOCUMENT["front"][0])


@pytest.mark.parametrize(
    ("text", "line"),
    [(None, "is no run folder"), ("{", "is no JSON"), ('{"schema": 2}', "has schema 2"), (front(), "no candidate")],
)
def test_a_run_without_a_front(text: Any, line: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "front.json").write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    with pytest.raises(UserError, match=line):
        read_front(tmp_path)
    (tmp_path / "front.json").unlink(missing_ok=True)
    (tmp_path / "run.yaml").touch()
    with pytest.raises(UserError, match="has no front yet"):
        read_front(tmp_path)
