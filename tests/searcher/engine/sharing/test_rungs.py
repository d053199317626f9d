"""A training taken up where another worker left it."""

from pathlib import Path

from waiting import SPACE, open_waiting_study

from splitsearch.searcher.engine.sharing.artifacts import open_artifacts
from splitsearch.searcher.engine.sharing.place import Place, local_place
from splitsearch.searcher.engine.sharing.rungs import Rungs
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import rung_folder

CURVE = [{"rung": 0.0, "accuracy": 0.5}]


def leave(study: RunStudy, rungs: Rungs, checkpoints: Path, curve: list[dict[str, float]]) -> str:
    """A worker trains up to a rung and dies."""
    trial, point = study.ask()
    key = SPACE.at(point).key
    with study.training(trial):
        study.claim(trial, key, lambda results: 9)
        folder = rung_folder(checkpoints, trial.number)
        folder.mkdir(parents=True)
        (folder / "state").write_text(f"{len(curve)}")
        rungs.keep(trial, curve)
    return key


def test_another_machine_fetches_it(tmp_path: Path) -> None:
    place = Place(url=f"journal:{tmp_path}/j")
    store = open_artifacts(str(tmp_path / "store"))
    mine, theirs = tmp_path / "a" / "checkpoints", tmp_path / "b" / "checkpoints"
    study = open_waiting_study(place, "a", 0)
    key = leave(study, Rungs(study, store, mine), mine, CURVE)
    study.release("a")
    other = open_waiting_study(place, "b", 1)
    trial, point = other.ask()
    assert SPACE.at(point).key == key  # the dead worker's comes first
    rungs = Rungs(other, store, theirs)
    assert rungs.restore(trial.number, key) == 1
    assert (rung_folder(theirs, trial.number) / "state").read_text() == "1"
    rungs.clear(trial.number, key)
    assert not rung_folder(theirs, trial.number).exists()
    assert not any((tmp_path / "store").iterdir())


def test_the_same_folder_needs_no_store(tmp_path: Path) -> None:
    study = open_waiting_study(local_place(tmp_path), "", 0)
    rungs = Rungs(study, None, tmp_path / "checkpoints")
    key = leave(study, rungs, tmp_path / "checkpoints", CURVE)
    (point,) = study.recover()
    study.enqueue(point, again=True)
    trial, _ = study.ask()
    assert trial.number == 1
    assert rungs.restore(1, key) == 1
    assert (rung_folder(tmp_path / "checkpoints", 1) / "state").read_text() == "1"
    assert rungs.restore(1, "unknown") == 0


def test_a_damaged_checkpoint_is_none(tmp_path: Path) -> None:
    place, store = Place(url=f"journal:{tmp_path}/j"), tmp_path / "store"
    study = open_waiting_study(place, "a", 0)
    rungs = Rungs(study, open_artifacts(str(store)), tmp_path / "a")
    key = leave(study, rungs, tmp_path / "a", CURVE)
    for file in store.iterdir():
        file.write_bytes(b"cut short")
    assert Rungs(study, open_artifacts(str(store)), tmp_path / "b").restore(5, key) == 0
    assert not rung_folder(tmp_path / "b", 5).exists()
