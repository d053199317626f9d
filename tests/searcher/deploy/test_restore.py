"""A candidate of a run, back with its weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from splitsearch.searcher.deploy.choice import checkpoint_of, choose, require_front
from splitsearch.searcher.deploy.outcomes import run_halves
from splitsearch.searcher.deploy.rebuild import torch_pair
from splitsearch.searcher.deploy.restore import data_of, restore, target_of, teacher_for
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.run import read_run
from splitsearch.spaces.errors import UserError


@pytest.fixture
def cached(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPLITSEARCH_CACHE", environment["SPLITSEARCH_CACHE"])


@pytest.mark.usefixtures("cached")
def test_it_is_as_accurate_as_the_search_found_it(finished: Path) -> None:
    settings, document = read_run(finished), require_front(finished)
    for pick in ("accuracy", "payload"):
        entry = choose(document, trial=None, pick=pick)
        found = restore(finished, settings, entry, SilentReporter())
        outcomes = run_halves(torch_pair(found.model, found.config), found.data.val)
        assert outcomes.hits(None).mean() == pytest.approx(entry["values"]["accuracy"])
        assert outcomes.payload_bytes.mean() == pytest.approx(entry["values"]["payload_bytes"])
        saved = load_file(checkpoint_of(finished, entry))
        encoder = next(stage for stage in found.model.stages if stage.name == "encoder").module.state_dict()
        assert all(torch.equal(value, saved[f"encoder.{name}"]) for name, value in encoder.items())


def test_a_teacher_that_is_gone_is_made_again(finished: Path, tmp_path: Path) -> None:
    settings = replace(read_run(finished), cache_dir=str(tmp_path))
    entry = choose(require_front(finished), trial=None, pick="accuracy")
    found = restore(finished, settings, entry, SilentReporter())
    assert not found.teacher.cached
    outcomes = run_halves(torch_pair(found.model, found.config), found.data.val)
    # Another number of threads adds in another order, and trains another last digit.
    assert abs(outcomes.hits(None).mean() - entry["values"]["accuracy"]) < 0.05
    assert any(tmp_path.rglob("*.safetensors"))


@pytest.mark.usefixtures("cached")
def test_a_checkpoint_that_is_none(finished: Path, tmp_path: Path) -> None:
    settings, document = read_run(finished), require_front(finished)
    entry = choose(document, trial=None, pick="knee")
    place = tmp_path / "checkpoints" / checkpoint_of(finished, entry).name
    place.parent.mkdir()
    place.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"trial-\d+\.safetensors' is no safetensors file"):
        restore(tmp_path, settings, entry, SilentReporter())


@pytest.mark.usefixtures("cached")
def test_the_parts_of_a_run(finished: Path) -> None:
    settings = read_run(finished)
    data = data_of(settings, SilentReporter())
    assert len(data.train) == 400
    teacher: Any = teacher_for(settings, data, SilentReporter())
    assert teacher.cached
    assert target_of(settings).device.name == require_front(finished)["device"]
