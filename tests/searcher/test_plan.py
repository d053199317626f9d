"""Settings with their small files."""

from pathlib import Path

import pytest
import torch

from splitsearch.searcher.plan import asked_of, check, default_folder, read_run, require_writable, study_place
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.training.placement import Placement
from splitsearch.spaces.errors import UserError


def settings(**changes: object) -> RunSettings:
    return RunSettings(**({"backbone": "resnet18", "device_profile": "jetson.json"} | changes))  # type: ignore[arg-type]


def test_several_workers_need_a_storage_that_bears_them() -> None:
    check(settings(workers=4, storage="journal:x"))
    with pytest.raises(UserError, match="SQLite hands the same trial"):
        check(settings(workers=2))
    with pytest.raises(UserError, match="--storage redis"):
        check(settings(storage="redis://h"))


def test_where_the_study_lies(tmp_path: Path) -> None:
    assert study_place(settings(), tmp_path).url == f"sqlite:///{tmp_path}/study.db"
    place = study_place(settings(storage="journal:j", study="s", directory=str(tmp_path), heartbeat_s=5), Path())
    assert (place.url, place.study) == (f"journal:{tmp_path}/j", "s")
    assert (place.beat_seconds, place.grace_seconds) == (5, 20)


def test_folders(tmp_path: Path) -> None:
    require_writable(tmp_path / "new")
    (tmp_path / ".lock").touch()
    require_writable(tmp_path)  # a lock is left by whoever was here, and is nothing
    (tmp_path / "other").touch()
    with pytest.raises(UserError, match="holds other files"):
        require_writable(tmp_path)
    require_writable(tmp_path, "other")
    with pytest.raises(UserError, match="is no folder"):
        require_writable(tmp_path / "other" / "deeper")
    with pytest.raises(UserError, match="no run folder"):
        read_run(tmp_path)
    assert default_folder(settings()).parts[0] == "runs"


def test_where_candidates_train_is_known_before_anything_is_written() -> None:
    assert check(settings(device="cpu")).placement == Placement()
    assert check(settings(device="cpu", amp=True)).placement.precision == torch.bfloat16
    with pytest.raises(UserError, match="--device cuda:99: GPU 99 is asked for and this machine has"):
        check(settings(device="cuda:99"))


def test_what_a_device_profile_has_to_be_of() -> None:
    assert asked_of(settings(accept_doubtful=True), 64).doubtful
