"""A worker that joins a study which a run began."""

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from splitsearch.searcher.engine.opening import load_study
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.sharing.storage import connect
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.searcher.worker import MARK, Joining, work
from splitsearch.spaces.errors import UserError


@pytest.fixture
def begun(command: Any, workplace: Path, run_arguments: Any, request: pytest.FixtureRequest) -> str:
    """A study with two trials and room for more, in a journal."""
    name = request.node.name.replace("[", "-").rstrip("]")
    url = f"journal:{workplace}/{name}.journal"
    words = ("--trials", "2", "--storage", url, "--out", name, "--artifacts", f"{name}-artifacts")
    done = command(*run_arguments, *words)
    assert done.returncode == 0, done.stderr
    load_study(Place(url=url)).set_user_attr("limits", {"trials": 4, "heartbeat_s": 30, "directory": str(workplace)})
    return url


def test_it_goes_on_where_the_run_is(begun: str, workplace: Path, command: Any) -> None:
    name = Path(begun).stem
    done = command(
        "worker", "--storage", begun, "--out", f"{name}-worker", "--artifacts", f"{name}-artifacts", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"]["complete"] == 2
    assert "from the study" in done.stderr  # the teacher
    trials = load_study(Place(url=begun)).trials
    keys = [trial.user_attrs["key"] for trial in trials if trial.state.name == "COMPLETE"]
    assert len(keys) == len(set(keys)) == 4
    assert (workplace / f"{name}-worker" / MARK).is_file()
    parcels = [trial.user_attrs.get("checkpoint") for trial in trials if trial.state.name == "COMPLETE"]
    assert all(parcels)  # every weight travels


def test_other_data_is_refused(begun: str, workplace: Path, command: Any) -> None:
    study = load_study(Place(url=begun))
    study.set_user_attr("agreement", study.user_attrs["agreement"] | {"data": "0" * 64})
    done = command("worker", "--storage", begun, "--out", "disagrees")
    assert done.returncode == 2
    assert "does not agree with" in done.stderr
    assert "data (00000000 there" in done.stderr


def test_studies_that_are_none_of_ours(tmp_path: Path) -> None:
    def joining(url: str) -> Joining:
        return Joining(storage=url, study="theirs", folder=tmp_path / "w", wait_seconds=0)

    place = Place(url=f"journal:{tmp_path}/j", study="theirs")
    with pytest.raises(UserError, match="holds no study 'theirs'"):
        work(joining(place.url), SilentReporter())
    study = optuna.create_study(storage=connect(place, Patience()), study_name="theirs")
    study.add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(UserError, match="none of splitsearch's"):
        work(joining(place.url), SilentReporter())
    with pytest.raises(UserError, match="SQLite hands"):
        work(joining(f"sqlite:///{tmp_path}/s.db"), SilentReporter())
