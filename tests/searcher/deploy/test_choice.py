"""Which candidate of a front is meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from splitsearch.searcher.deploy.choice import checkpoint_of, choose, require_front
from splitsearch.spaces.errors import UserError


def entry(trial: int, accuracy: float, latency_ms: float, **more: float) -> dict[str, Any]:
    return {"trial": trial, "values": {"accuracy": accuracy, "latency_ms": latency_ms} | more}


def front(*entries: dict[str, Any]) -> dict[str, Any]:
    objectives = [{"name": "accuracy", "direction": "maximize"}, {"name": "latency_ms", "direction": "minimize"}]
    return {"schema": 1, "objectives": objectives, "front": list(entries)}


DOCUMENT = front(entry(1, 0.5, 10), entry(4, 0.9, 20), entry(6, 0.92, 60))


def test_without_a_wish_it_is_the_knee() -> None:
    assert choose(DOCUMENT, trial=None, pick=None)["trial"] == 4
    picked = {name: choose(DOCUMENT, trial=None, pick=name)["trial"] for name in ("accuracy", "latency")}
    assert picked == {"accuracy": 6, "latency": 1}


def test_weights_lie_where_they_were_trained(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    for place in (folder / "trial-00003.safetensors", folder / "confirmed" / "trial-00004.safetensors"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    assert checkpoint_of(tmp_path, entry(9, 0.5, 1) | {"trained_by": 3}).name == "trial-00003.safetensors"
    again = entry(4, 0.5, 1) | {"confirmed": {"checkpoint": "checkpoints/confirmed/trial-00004.safetensors"}}
    assert checkpoint_of(tmp_path, again).parent.name == "confirmed"


def test_only_the_front_keeps_weights(tmp_path: Path) -> None:
    assert choose(DOCUMENT, trial=6, pick=None)["trial"] == 6
    with pytest.raises(UserError, match=r"trial 2 is not on the front, and only .* keep their weights: 1, 4, 6"):
        choose(DOCUMENT, trial=2, pick=None)
    with pytest.raises(UserError, match="exclude each other"):
        choose(DOCUMENT, trial=2, pick="knee")
    with pytest.raises(UserError, match="unknown pick 'kne'; did you mean 'knee'"):
        choose(DOCUMENT, trial=None, pick="kne")
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
        require_front(tmp_path)
    (tmp_path / "front.json").unlink(missing_ok=True)
    (tmp_path / "run.yaml").touch()
    with pytest.raises(UserError, match="has no front yet"):
        require_front(tmp_path)
